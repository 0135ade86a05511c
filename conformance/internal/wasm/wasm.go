// SPDX-License-Identifier: Apache-2.0

// Package wasm holds the cases about wasm backends: projects, the modules they
// give, and what these do.
package wasm

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/zlayer/zlayer/conformance/internal/engine"
	"github.com/zlayer/zlayer/conformance/internal/target"
	"github.com/zlayer/zlayer/conformance/suite"
	"github.com/zlayer/zlayer/conformance/vectors"
)

// section is how the names of the cases begin.
const section = "wasm/"

// limit is how long a case may take: the first one may have to compile a whole
// standard library.
const limit = 10 * time.Minute

// Cases returns the cases for a plugin and a function that ends what they
// share.
func Cases(t *target.Target) (cases []suite.Case, done func(), err error) {
	all, err := read(t)
	if err != nil {
		return nil, func() {}, err
	}
	e, err := engine.Open(nil, t.Cache)
	if err != nil {
		return nil, func() {}, err
	}
	b := &builder{target: t, engine: e, state: filepath.Join(t.Work, "wasm-state")}
	for _, v := range all {
		if b.hands(v.Env) {
			cases = append(cases, b.toCase(v))
		}
	}
	return cases, func() { _ = e.Close() }, nil
}

// read returns the vectors of this project and of the author.
func read(t *target.Target) ([]*vectors.Wasm, error) {
	all, err := vectors.Wasms()
	if err != nil {
		return nil, err
	}
	for _, dir := range t.Vectors {
		more, err := vectors.ReadWasms(os.DirFS(dir))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", dir, err)
		}
		for _, v := range more {
			if slices.ContainsFunc(all, func(other *vectors.Wasm) bool { return other.Name == v.Name }) {
				return nil, fmt.Errorf("%s: there is another wasm vector %s: rename this one", dir, v.Name)
			}
			all = append(all, v)
		}
	}
	return all, nil
}

// hands reports whether the plugin is given all of the variables.
func (b *builder) hands(env []string) bool {
	given := target.Target{Manifest: b.target.Manifest, Environ: env}
	return len(given.Env()) == len(env)
}

// toCase makes a vector a case.
func (b *builder) toCase(v *vectors.Wasm) suite.Case {
	c := suite.Case{Name: section + v.Name, About: v.About, Spec: v.Spec, Level: suite.Must, Limit: limit}
	if v.Should {
		c.Level = suite.Should
	}
	for _, name := range v.After {
		c.After = append(c.After, section+name)
	}
	c.Run = func(ctx context.Context, t *suite.T) {
		needs := features(v)
		t.Needs(needs...)
		lacks := slices.ContainsFunc(needs, func(f string) bool { return !b.target.Declares(f) })
		if lacks && v.Fails != nil {
			// Whoever cannot do it at all fails too: nothing can be learned.
			t.Failf("unsupported", "it is not declared")
			return
		}
		r := &trial{builder: b, Wasm: v, T: t, lacks: lacks}
		defer r.clean()
		r.all(ctx)
	}
	return c
}

// features are what a backend needs for the build of a vector, sorted.
func features(v *vectors.Wasm) []string {
	list := []string{"wasm." + v.Language, "wasm.preview1"}
	for _, o := range v.Options {
		name, _, _ := strings.Cut(o, "=")
		list = append(list, "wasm."+name)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// trial is one run of a case.
type trial struct {
	*builder
	*vectors.Wasm
	*suite.T
	lacks bool   // the plugin does not declare what it needs
	dir   string // holds the project, and what lies around it
}

// all builds the project, as often as the vector says, and looks at what came
// out.
func (r *trial) all(ctx context.Context) {
	first := r.lay("here")
	if r.Changes() {
		r.build(ctx, job{project: first, state: r.state})
		if err := r.Change(first); err != nil {
			r.Fatalf("suite", "writing the second files: %v", err)
		}
	}
	result := r.build(ctx, job{project: first, state: r.state})
	if !r.expected(result) || result.class != "ok" {
		return
	}
	for i := range r.Runs {
		r.runs(ctx, result.path, &r.Runs[i])
	}
	for _, how := range r.Again {
		j := job{project: first, state: r.state, noCache: how == vectors.AgainUncached}
		if how == vectors.AgainElsewhere {
			j.project, j.state = r.lay("another folder ö"), filepath.Join(r.dir, "state")
		}
		r.same(how, result, r.build(ctx, j))
	}
}

// lay writes the project into a folder of the case.
func (r *trial) lay(name string) string {
	var err error
	if r.dir == "" {
		if r.dir, err = r.target.Scratch(section + r.Name); err != nil {
			r.Fatalf("suite", "making a folder: %v", err)
		}
	}
	project := filepath.Join(r.dir, name, "project")
	if err = os.MkdirAll(project, 0o755); err == nil {
		err = r.Write(project)
	}
	if err != nil {
		r.Fatalf("suite", "writing the project: %v", err)
	}
	return project
}

// clean removes what the case has written, also folders that may not be
// written to.
func (r *trial) clean() {
	_ = filepath.WalkDir(r.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			err = os.Chmod(path, 0o755)
		}
		return err
	})
	_ = os.RemoveAll(r.dir)
}
