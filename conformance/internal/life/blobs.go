// SPDX-License-Identifier: Apache-2.0

package life

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/zlayer/zlayer/conformance/internal/target"
	"github.com/zlayer/zlayer/conformance/suite"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

var sha = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// blobs wants the blobs of a build to be what its artifact says, and with a
// number these to be all, in order: blobs [N] [of ID].
func (p *play) blobs(w words) {
	j := p.of(&w)
	count := w.next()
	p.nothing(w)
	artifact := j.result.GetArtifact()
	wrong := func(format string, args ...any) {
		p.problem(suite.Problem{Class: classOK, Message: fmt.Sprintf(format, args...), Got: jsonOf(artifact)})
	}
	if artifact.GetHandle() == "" {
		wrong("the artifact has no handle")
	}
	if count != "" && fmt.Sprint(len(artifact.GetBlobs())) != count {
		wrong("the artifact has %d blobs, not %s", len(artifact.GetBlobs()), count)
	}
	digests := blobDigests(j)
	for n, b := range artifact.GetBlobs() {
		at := place{b.GetRef().GetStage(), b.GetRef().GetStep()}
		switch {
		case !sha.MatchString(b.GetDigest()):
			wrong("%q is no digest", b.GetDigest())
		case b.GetRef() == nil || !p.known(j, at):
			wrong("blob %d names no step of the build", n)
		case count != "" && n > 0 && !before(artifact.GetBlobs()[n-1].GetRef(), b.GetRef()):
			wrong("blob %d is not above the one before it", n)
		}
	}
	dir, err := p.exportTo(artifact.GetHandle(), unique(digests))
	if err != nil {
		p.fatal(classRefused, "Export failed: %v", err)
	}
	p.onlyBlobs(dir, digests)
	for _, b := range artifact.GetBlobs() {
		info, err := os.Stat(filepath.Join(dir, strings.TrimPrefix(b.GetDigest(), "sha256:")))
		p.check(err)
		if info.Size() != b.GetSize() {
			wrong("blob %s has %d bytes, and is said to have %d", b.GetDigest(), info.Size(), b.GetSize())
		}
	}
}

// before reports whether a step comes before another one: stages come after
// what they are made of.
func before(a, b *backendv1.StepRef) bool {
	if a.GetStage() != b.GetStage() {
		return a.GetStage() < b.GetStage()
	}
	return a.GetStep() < b.GetStep()
}

func unique(list []string) []string { return slices.Compact(slices.Sorted(slices.Values(list))) }

// same wants two builds to have made the same, but for the times of files,
// which the host rewrites: same ID ID.
func (p *play) same(w words) {
	a, b := p.jobs[w.next()], p.jobs[w.next()]
	p.nothing(w)
	one, two := p.contents(a), p.contents(b)
	if !slices.Equal(one, two) {
		p.problem(suite.Problem{Class: classOK, Message: "the same build gives something else", Want: strings.Join(one, "\n"), Got: strings.Join(two, "\n")})
	}
}

// contents describes the blobs of a build: the digest of a module, the entries
// of a layer.
func (p *play) contents(j *job) []string {
	digests := blobDigests(j)
	if p.kind == target.Wasm {
		return digests
	}
	dir, err := p.exportTo(j.result.GetArtifact().GetHandle(), unique(digests))
	if err != nil {
		p.fatal(classRefused, "Export failed: %v", err)
	}
	var list []string
	for n, d := range digests {
		f, err := os.Open(filepath.Join(dir, strings.TrimPrefix(d, "sha256:")))
		p.check(err)
		entries, err := entriesOf(f)
		_ = f.Close()
		if err != nil {
			p.fatal(classOK, "layer %s is no tar archive: %v", d, err)
		}
		for _, e := range entries {
			list = append(list, fmt.Sprintf("%d: %s", n, e))
		}
	}
	return list
}

// entriesOf describes the entries of a tar archive without their times.
func entriesOf(r io.Reader) ([]string, error) {
	var list []string
	for t := tar.NewReader(r); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		sum := sha256.New()
		if _, err := io.Copy(sum, t); err != nil {
			return nil, err
		}
		h.ModTime, h.AccessTime, h.ChangeTime = time.Time{}, time.Time{}, time.Time{}
		for _, key := range []string{"mtime", "atime", "ctime"} {
			delete(h.PAXRecords, key)
		}
		list = append(list, fmt.Sprintf("%s %c %o %d:%d %q %v %s", h.Name, h.Typeflag, h.Mode, h.Uid, h.Gid, h.Linkname, h.PAXRecords, hex.EncodeToString(sum.Sum(nil)[:8])))
	}
}
