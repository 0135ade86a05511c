// SPDX-License-Identifier: Apache-2.0

package life

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/zlayer/zlayer/conformance/suite"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

// unknown is a handle, job and digest that nobody has.
const unknown = "unknown"

// handle is that of a build, or one that nobody has.
func (p *play) handle(name string) string {
	if name == unknown {
		return "sha256:" + strings.Repeat("0", 64)
	}
	if j := p.jobs[name]; j != nil {
		<-j.ended
		return j.result.GetArtifact().GetHandle()
	}
	p.fatal(classSuite, "the script is wrong: there is no build %q", name)
	return ""
}

// has asks for an artifact: has BUILD|unknown yes|no.
func (p *play) has(w words) {
	handle, want := p.handle(w.next()), w.next()
	p.nothing(w)
	r, err := p.now.Client.Has(p.ctx, &backendv1.HasRequest{StateDir: p.stateDir, Handle: handle})
	if err != nil {
		p.fatal(classRefused, "Has failed: %v", err)
	}
	if r.GetPresent() != (want == "yes") {
		p.problem(suite.Problem{Class: classOK, Message: fmt.Sprintf("Has says %t of %s", r.GetPresent(), handle), Want: want})
	}
}

// export asks for the blobs of an artifact, or for one that it does not have:
// export BUILD|unknown [first|unknown] [refused].
func (p *play) export(w words) {
	want := classOK
	if w.flag(classRefused) {
		want = classRefused
	}
	name, which := w.next(), w.next()
	p.nothing(w)
	var digests []string
	if j := p.jobs[name]; j != nil {
		digests = blobDigests(j)
	}
	switch {
	case which == unknown || name == unknown:
		digests = []string{p.handle(unknown)}
	case which == "first" && len(digests) > 0:
		digests = digests[:1]
	}
	dir, err := p.exportTo(p.handle(name), digests)
	switch {
	case err != nil && want == classOK:
		p.fatal(classRefused, "Export failed: %v", err)
	case err == nil && want != classOK:
		p.fatal(classOK, "Export is content with a blob that is not there")
	case err == nil:
		p.onlyBlobs(dir, digests)
	}
}

// blobDigests are those of a build that has ended.
func blobDigests(j *job) []string {
	<-j.ended
	var list []string
	for _, b := range j.result.GetArtifact().GetBlobs() {
		list = append(list, b.GetDigest())
	}
	return list
}

// exportTo exports into a new folder.
func (p *play) exportTo(handle string, digests []string) (dir string, err error) {
	dir, err = os.MkdirTemp(p.dir, "export-")
	p.check(err)
	_, err = p.now.Client.Export(p.ctx, &backendv1.ExportRequest{StateDir: p.stateDir, Handle: handle, Digests: digests, Directory: dir})
	return dir, err
}

// onlyBlobs wants a folder to hold the blobs that were asked for and no more,
// each having its digest.
func (p *play) onlyBlobs(dir string, digests []string) {
	want := map[string]bool{}
	for _, digest := range digests {
		name := strings.TrimPrefix(digest, "sha256:")
		want[name] = true
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			p.fatal(classOK, "an exported blob is not there: %s", name)
		}
		if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != name {
			p.problem(suite.Problem{Class: classOK, Message: "the bytes of an exported blob do not have its digest", Want: name, Got: hex.EncodeToString(sum[:])})
		}
	}
	list, err := os.ReadDir(dir)
	p.check(err)
	for _, f := range list {
		if !want[f.Name()] {
			p.fatal(classOK, "Export wrote %s, which nobody asked for", f.Name())
		}
	}
}

// remove forgets artifacts: remove BUILD|unknown.
func (p *play) remove(w words) {
	handle := p.handle(w.next())
	p.nothing(w)
	if _, err := p.now.Client.Remove(p.ctx, &backendv1.RemoveRequest{StateDir: p.stateDir, Handles: []string{handle}}); err != nil {
		p.fatal(classRefused, "Remove failed: %v", err)
	}
}

// recover removes what dead jobs left: recover BUILD|unknown.
func (p *play) recover(w words) {
	name := w.next()
	p.nothing(w)
	id := "job-" + strings.Repeat("0", 16)
	if j := p.jobs[name]; j != nil {
		id = j.id
	} else if name != unknown {
		p.fatal(classSuite, "the script is wrong: there is no build %q", name)
	}
	if _, err := p.now.Client.Recover(p.ctx, &backendv1.RecoverRequest{StateDir: p.stateDir, JobIds: []string{id}}); err != nil {
		p.fatal(classRefused, "Recover failed: %v", err)
	}
}
