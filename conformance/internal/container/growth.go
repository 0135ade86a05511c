// SPDX-License-Identifier: Apache-2.0

package container

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/zlayer/zlayer/conformance/internal/build"
	"github.com/zlayer/zlayer/conformance/internal/peer"
	"github.com/zlayer/zlayer/conformance/suite"
	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

// A large file, built again and again with another content.
const (
	large = `A large file.
expect: ok
-- Dockerfile --
FROM scratch
COPY f /f
-- f --
x
`
	largeSize = 1 << 20
	many      = 20
)

// removed builds many times, has what was built removed, and looks whether the
// state folder is as small as after the first time.
func (s *section) removed(ctx context.Context, t *suite.T, l *build.Laid, r host.Request) {
	h, err := s.shared.declared()
	check(t, err)
	resolved, err := h.Resolve(ctx, r)
	check(t, err)
	t.Needs(s.undeclared(ctx, h, r)...)
	state, err := s.target.Scratch("state")
	check(t, err)
	p, err := peer.Start(ctx, peer.Options{Path: s.target.Main, Env: s.target.Env()})
	if err != nil {
		t.Fatalf("died", "the backend does not come up: %v", err)
	}
	defer p.Close()
	round := func(n int) {
		fill := strings.Repeat(fmt.Sprintf("%07d\n", n), largeSize/8)
		check(t, os.WriteFile(filepath.Join(l.Context(), "f"), []byte(fill), 0o644))
		handle := s.direct(ctx, t, p, &backendv1.Start{
			JobId: fmt.Sprintf("round-%d", n), Build: resolved.Build, StateDir: state,
			Contexts: []*backendv1.Context{{Path: l.Context()}},
		})
		if _, err := p.Client.Remove(ctx, &backendv1.RemoveRequest{StateDir: state, Handles: []string{handle}}); err != nil {
			t.Fatalf("internal", "the artifact cannot be removed: %v", err)
		}
	}
	round(0)
	before := size(t, state)
	for n := range many {
		round(n + 1)
	}
	if grown := size(t, state) - before; grown > largeSize {
		t.Failf("leak", "the state folder has grown by %d KiB with %d artifacts of %d KiB, all of which were removed", grown>>10, many, largeSize>>10)
	}
}

// direct has the backend build something, without a host, and returns the
// handle of the artifact.
func (s *section) direct(ctx context.Context, t *suite.T, p *peer.Process, start *backendv1.Start) string {
	var err error
	start.TempDir, err = s.target.Scratch("job")
	check(t, err)
	defer os.RemoveAll(start.TempDir)
	stream, err := p.Client.Build(ctx)
	if err == nil {
		err = stream.Send(&backendv1.BuildRequest{Message: &backendv1.BuildRequest_Start{Start: start}})
	}
	if err != nil {
		t.Fatalf("died", "the build cannot begin: %v", err)
	}
	for {
		e, err := stream.Recv()
		if err != nil {
			t.Fatalf("died", "the build broke off: %v", err)
		}
		if f := e.GetFailed(); f != nil {
			t.Fatalf("internal", "the build failed: %s", f.GetMessage())
		}
		if a := e.GetArtifact(); a != nil {
			return a.GetHandle()
		}
	}
}

// size is that of all files below a folder, in bytes.
func size(t *suite.T, dir string) (bytes int64) {
	check(t, filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			bytes += info.Size()
		}
		return err
	}))
	return bytes
}
