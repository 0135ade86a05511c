// SPDX-License-Identifier: Apache-2.0

//go:build system

package supervisor_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

// tree is what layers hold together, by path.
type tree map[string]file

// file is one entry.
type file struct {
	tar.Header
	content string
}

// export reads all layers of an artifact. Whiteouts stay visible.
func (r *rig) export(a *backendv1.Artifact) tree {
	r.t.Helper()
	all := tree{}
	for _, b := range a.Blobs {
		for name, f := range r.layer(a, b) {
			all[name] = f
		}
	}
	return all
}

// layer reads one layer of an artifact.
func (r *rig) layer(a *backendv1.Artifact, b *backendv1.Blob) tree {
	r.t.Helper()
	dir := r.t.TempDir()
	must(r.t, r.Export(context.Background(), &backendv1.ExportRequest{StateDir: r.state, Handle: a.Handle, Digests: []string{b.Digest}, Directory: dir}))
	text, err := os.ReadFile(filepath.Join(dir, strings.TrimPrefix(b.Digest, "sha256:")))
	must(r.t, err)
	if digestOf(text) != b.Digest || int64(len(text)) != b.Size {
		r.t.Fatalf("blob %s has digest %s and size %d, want size %d", b.Digest, digestOf(text), len(text), b.Size)
	}
	found := tree{}
	for t := tar.NewReader(bytes.NewReader(text)); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return found
		}
		must(r.t, err)
		content, err := io.ReadAll(t)
		must(r.t, err)
		found[strings.TrimSuffix(h.Name, "/")] = file{*h, string(content)}
	}
}

// list writes a tree as lines of type, mode, owner and name.
func (t tree) list() string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(t)) {
		f := t[name]
		line := fmt.Sprintf("%c %04o %d:%d %s", f.Typeflag, f.Mode, f.Uid, f.Gid, name)
		if f.Linkname != "" {
			line += " -> " + f.Linkname
		}
		if f.Typeflag == tar.TypeReg && len(f.content) < 100 {
			line += fmt.Sprintf(" %q", f.content)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// want compares a tree with lines as list writes them.
func (t tree) want(tt testing.TB, lines ...string) {
	tt.Helper()
	if got, want := t.list(), strings.Join(lines, "\n"); got != want {
		tt.Errorf("files:\n%s\nwant:\n%s", got, want)
	}
}
