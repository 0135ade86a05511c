// SPDX-License-Identifier: Apache-2.0

package life

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// secretNowhere wants the secret to be in no event, handle, layer, file or
// output, nor in the argv of a process; and in the environment of none, unless
// the line says "environment", as that of a command that asks for it so.
func (p *play) secretNowhere(w words) {
	asked := w.flag("environment")
	p.nothing(w)
	for pid := range running() {
		if strings.Contains(commandLine(pid), p.secret) {
			p.fatal(classLeak, "the secret is in the argv of a process: %s", commandLine(pid))
		}
		if strings.Contains(environment(pid), p.secret) && !asked {
			p.fatal(classLeak, "the secret is in the environment of a process: %s", commandLine(pid))
		}
	}
	for _, j := range p.jobs {
		p.notIn(j)
	}
	for _, pr := range p.processes {
		if strings.Contains(pr.stderr(), p.secret) || pr.Process != nil && strings.Contains(pr.Stdout(), p.secret) {
			p.fatal(classLeak, "the secret is in the output of the backend")
		}
	}
	for _, dir := range []string{p.dir, p.stateDir} {
		if path := holder(dir, p.secret); path != "" {
			p.fatal(classLeak, "the secret is in a file: %s", path)
		}
	}
}

// notIn wants the secret to be nowhere in what a build said and made.
func (p *play) notIn(j *job) {
	for _, e := range j.all() {
		data, err := e.MarshalVT()
		p.check(err)
		if bytes.Contains(data, []byte(p.secret)) {
			p.fatal(classLeak, "the secret is in an event")
		}
	}
	select {
	case <-j.ended:
	default:
		return
	}
	if digests := unique(blobDigests(j)); len(digests) > 0 {
		dir, err := p.exportTo(j.result.GetArtifact().GetHandle(), digests)
		if err != nil {
			p.fatal(classRefused, "Export failed: %v", err)
		}
		if path := holder(dir, p.secret); path != "" {
			p.fatal(classLeak, "the secret is in a layer: %s", filepath.Base(path))
		}
	}
}

// without wants no layer of a build to hold a text: without TEXT [of ID].
func (p *play) without(w words) {
	j := p.of(&w)
	text := w.next()
	p.nothing(w)
	if path := p.layerWith(j, text); path != "" {
		p.fatal(classOK, "%q is in a layer: %s", text, filepath.Base(path))
	}
}

// holds wants a layer of a build to hold a text: holds TEXT [of ID].
func (p *play) holds(w words) {
	j := p.of(&w)
	text := w.next()
	p.nothing(w)
	if p.layerWith(j, text) == "" {
		p.fatal(classOK, "%q is in no layer", text)
	}
}

// layerWith exports a build and returns the layer with a text, or nothing.
func (p *play) layerWith(j *job, text string) string {
	dir, err := p.exportTo(j.result.GetArtifact().GetHandle(), unique(blobDigests(j)))
	if err != nil {
		p.fatal(classRefused, "Export failed: %v", err)
	}
	return holder(dir, text)
}

// holder returns a file below a folder that holds a text, or whose name does;
// "" when there is none.
func holder(dir, text string) (found string) {
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil // it is going
		case strings.Contains(d.Name(), text), d.Type().IsRegular() && contains(path, text):
			found = path
			return fs.SkipAll
		}
		return nil
	})
	return found
}

// contains reports whether a file has a text. It is read in pieces that
// overlap.
func contains(path, text string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	buf, had := make([]byte, 1<<20), 0
	for {
		n, err := io.ReadFull(f, buf[had:])
		if bytes.Contains(buf[:had+n], []byte(text)) {
			return true
		}
		if err != nil {
			return false
		}
		had = copy(buf, slices.Clone(buf[len(buf)-len(text):]))
	}
}
