// SPDX-License-Identifier: Apache-2.0

//go:build system

package differential_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/zlayer/zlayer/conformance/vectors"
	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
)

// side is one of the two that build everything.
type side struct {
	name    string // how messages call it
	backend string
	host    *host.Host
}

// outcome is what a build came to: an image or a failure.
type outcome struct {
	image   *image
	failure *vectors.Failure
	message string // of the failure
	// began and ended are around the last build; took is for all rounds.
	began, ended time.Time
	took         time.Duration
}

// caseDir is a vector on disk, with what it needs from servers.
type caseDir struct {
	*vectors.Container
	dir  string
	args []host.Arg
	base string
}

// lay writes a vector below root.
func (s *servers) lay(c *vectors.Container, root string) (*caseDir, error) {
	d := &caseDir{Container: c, dir: filepath.Join(root, c.Name), base: s.base}
	if err := os.Mkdir(d.dir, 0o755); err != nil {
		return nil, err
	}
	if err := c.Write(d.dir); err != nil {
		return nil, err
	}
	d.args = []host.Arg{{Name: "BASE", Value: s.base}}
	if d.has("http") {
		d.args = append(d.args, host.Arg{Name: "HTTP", Value: s.files + "/" + c.Name + "/http"})
	}
	if d.has("git") {
		url, err := s.repository(d.dir)
		if err != nil {
			return nil, err
		}
		d.args = append(d.args, host.Arg{Name: "GIT", Value: url})
	}
	for _, a := range c.Args {
		key, value, _ := strings.Cut(a, "=")
		d.args = append(d.args, host.Arg{Name: key, Value: value})
	}
	return d, nil
}

func (d *caseDir) has(folder string) bool {
	_, err := os.Stat(filepath.Join(d.dir, folder))
	return err == nil
}

// request is the build of a vector by a side.
func (d *caseDir) request(s *side) (host.Request, error) {
	text, _ := d.File("Dockerfile")
	r := host.Request{
		Source:  host.Source{Name: "Dockerfile", Path: filepath.Join(d.dir, "context", "Dockerfile"), Content: text},
		Context: filepath.Join(d.dir, "context"), Contexts: map[string]string{}, Secrets: map[string]host.Secret{},
		Args: d.args, Target: d.Target, Platform: d.Platform, Backend: s.backend, SourceDateEpoch: d.Epoch,
		Outputs: []host.Output{{Type: host.OutputOCILayout, Path: d.layout(s)}},
	}
	for name, reference := range d.Images {
		r.Contexts[name] = "docker-image://" + strings.ReplaceAll(reference, "$BASE", d.base)
	}
	folders, err := os.ReadDir(d.dir)
	if err != nil {
		return r, err
	}
	for _, f := range folders {
		if n := f.Name(); n != "context" && n != "http" && n != "git" {
			r.Contexts[n] = filepath.Join(d.dir, n)
		}
	}
	secrets := d.dir + "-secrets"
	for id, value := range d.Secrets {
		file := filepath.Join(secrets, id)
		if err := errors.Join(os.MkdirAll(secrets, 0o700), os.WriteFile(file, []byte(value), 0o600)); err != nil {
			return r, err
		}
		r.Secrets[id] = host.Secret{File: file}
	}
	return r, nil
}

// layout is where a side puts the image; not below d.dir, where it would be a
// context.
func (d *caseDir) layout(s *side) string { return d.dir + "-" + s.name }

// run builds a vector. An error is one of the machinery around it.
func (s *side) run(ctx context.Context, d *caseDir) (*outcome, error) {
	out := &outcome{}
	r, err := d.request(s)
	if err != nil {
		return nil, err
	}
	for round := range d.Rounds {
		r.Args = append(d.args[:len(d.args):len(d.args)], host.Arg{Name: "ROUND", Value: strconv.Itoa(round + 1)})
		out.began = time.Now()
		_, err = s.host.Build(ctx, r)
		out.ended = time.Now()
		out.took += out.ended.Sub(out.began)
		if err != nil && round+1 < d.Rounds {
			return nil, fmt.Errorf("round %d: %w", round+1, err)
		}
	}
	if err == nil {
		if out.image, err = readLayout(d.layout(s)); err == nil {
			err = os.RemoveAll(d.layout(s))
		}
	} else {
		err = out.fail(err)
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// fail classifies an error; a backend that broke is a class that no vector
// wants.
func (o *outcome) fail(err error) error {
	var (
		source      *host.SourceError
		unsupported *host.UnsupportedError
		step        *host.StepError
		broken      *host.PluginError
	)
	o.message = err.Error()
	switch {
	case errors.As(err, &unsupported):
		o.failure = &vectors.Failure{Class: "unsupported", Line: lineOf(unsupported.Diagnostics)}
	case errors.As(err, &source):
		o.failure = &vectors.Failure{Class: "source", Line: lineOf(source.Diagnostics)}
	case errors.As(err, &step):
		o.failure = &vectors.Failure{Class: "source", Line: lineOf(step.Findings), Exit: step.ExitCode}
		o.message += "\n" + step.Output
	case errors.As(err, &broken):
		o.failure = &vectors.Failure{Class: "broken"}
	default:
		return err
	}
	return nil
}

// lineOf is the line of the first error.
func lineOf(list []*diagv1.Diagnostic) int {
	for _, d := range list {
		if d.GetSeverity() == diagv1.Severity_SEVERITY_ERROR {
			return int(d.GetRange().GetLine())
		}
	}
	return 0
}

// usable ends the test when the side has no backend.
func (s *side) usable(t *testing.T) {
	t.Helper()
	problem := "there is none; run make build"
	for _, p := range s.host.Plugins() {
		if p.ID == s.backend && p.Problem == "" {
			return
		} else if p.ID == s.backend {
			problem = p.Problem
		}
	}
	t.Fatalf("%s: %s", s.backend, problem)
}
