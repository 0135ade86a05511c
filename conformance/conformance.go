// SPDX-License-Identifier: Apache-2.0

// Package conformance checks that a plugin does what sdk/SPEC.md says: ours
// and anyone's. The zlayer command runs it as "zlayer conformance".
package conformance

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/zlayer/zlayer/conformance/internal/container"
	"github.com/zlayer/zlayer/conformance/internal/contract"
	"github.com/zlayer/zlayer/conformance/internal/engine"
	"github.com/zlayer/zlayer/conformance/internal/frontend"
	"github.com/zlayer/zlayer/conformance/internal/life"
	"github.com/zlayer/zlayer/conformance/internal/target"
	"github.com/zlayer/zlayer/conformance/internal/wasm"
	"github.com/zlayer/zlayer/conformance/suite"
	"github.com/zlayer/zlayer/conformance/vectors"
)

// Options say what is tested, and how.
type Options struct {
	// Plugin is the folder of the plugin. Its manifest must be sealed: that it
	// is not is found to be a failure.
	Plugin string
	// Bundle is a folder of plugins with the frontends that read the build
	// files of the vectors. It is not needed to test a frontend.
	Bundle string
	// Engine is a command that runs a frontend's module, or a native program in
	// its place; "{module}" in it is the path. Nil: wazero.
	Engine []string
	// Environ is the environment that a backend gets its declared variables
	// from, as from os.Environ.
	Environ []string
	// Cache is a folder that is kept between runs, for what only saves time:
	// translated modules. Empty: nothing is kept.
	Cache string
	// Vectors are folders of further vectors, of the author's own, each with
	// folders "container", "frontend", … as conformance/vectors has them.
	Vectors []string
	// Suite says which cases are run, and how.
	Suite suite.Options
}

// Report is what came of a run.
type Report struct {
	// Plugin is the id of the plugin; the name of its folder when its manifest
	// cannot be read.
	Plugin string `json:"plugin"`
	// Version is its version. Empty when its manifest cannot be read.
	Version string `json:"version"`
	// Kinds are what it is: "frontend", "container", "wasm".
	Kinds []string `json:"kinds"`
	// Path is its folder.
	Path string `json:"path"`
	// Engine is the command that ran the module. Empty: wazero.
	Engine []string `json:"engine,omitempty"`
	// Began is when the run began.
	Began time.Time `json:"began"`
	// Seconds is how long it took.
	Seconds float64 `json:"seconds"`
	// Results are what came of the cases, in their order.
	Results []suite.Result `json:"results"`
	// Stale says what is wrong with the list of known failures.
	Stale []string `json:"stale,omitempty"`
	// Whole reports whether all cases ran that there are for such a plugin.
	Whole bool `json:"whole"`
}

// OK reports whether the plugin conforms: nothing that it must do failed, and
// the list of known failures is right.
func (r *Report) OK() bool {
	for _, result := range r.Results {
		if result.Status.Bad() {
			return false
		}
	}
	return len(r.Stale) == 0
}

// Count returns how many cases came out so.
func (r *Report) Count(s suite.Status) int {
	n := 0
	for _, result := range r.Results {
		if result.Status == s {
			n++
		}
	}
	return n
}

// sections make the cases of those that may be run, after those of contract.
var sections = []struct {
	kinds []target.Kind
	cases func(*target.Target) ([]suite.Case, func(), error)
}{
	{[]target.Kind{target.Frontend}, frontend.Cases},
	{[]target.Kind{target.Container, target.Wasm}, life.Cases},
	{[]target.Kind{target.Container}, container.Cases},
	{[]target.Kind{target.Wasm}, wasm.Cases},
}

// PluginError says that a folder holds no plugin that can be tested.
type PluginError struct{ Err error }

// Error returns the reason.
func (e *PluginError) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *PluginError) Unwrap() error { return e.Err }

// VectorError says that a file in Options.Vectors holds no vector.
type VectorError = vectors.SyntaxError

// EngineError says that Options.Engine cannot be used.
type EngineError struct{ Err error }

// Error returns the reason.
func (e *EngineError) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *EngineError) Unwrap() error { return e.Err }

// Run tests a plugin. The error says that the suite could not, not that the
// plugin failed. When ctx ends before the run does, the error is that of ctx,
// and the report has what was found until then.
func Run(ctx context.Context, o Options) (*Report, error) {
	t, err := open(o)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(t.Work)
	cases, done, err := gather(t)
	defer done()
	if err != nil {
		return nil, err
	}
	r := &Report{Plugin: cmp.Or(t.Manifest.ID, filepath.Base(t.Dir)), Version: t.Manifest.Version, Path: t.Dir, Engine: o.Engine, Began: time.Now()}
	for _, k := range []target.Kind{target.Frontend, target.Container, target.Wasm} {
		if t.Is(k) {
			r.Kinds = append(r.Kinds, string(k))
		}
	}
	o.Suite.Declared = t.Declares
	r.Results = suite.Run(ctx, cases, o.Suite)
	r.Seconds = time.Since(r.Began).Seconds()
	r.Whole = len(r.Results) == len(cases) && t.Invalid == nil
	if o.Suite.Known != nil {
		r.Stale = o.Suite.Known.Stale(r.Whole)
	}
	return r, ctx.Err()
}

// List returns the cases that Run would run, without functions.
func List(o Options) ([]suite.Case, error) {
	t, err := open(o)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(t.Work)
	cases, done, err := gather(t)
	done()
	for i := range cases {
		cases[i].Run = nil
	}
	return cases, err
}

// open is the target of the options, with a folder for the run.
func open(o Options) (*target.Target, error) {
	t, err := target.Open(o.Plugin)
	if err != nil {
		return nil, &PluginError{err}
	}
	if err := checkEngine(t, o.Engine); err != nil {
		return nil, &EngineError{err}
	}
	t.Bundle, t.Cache, t.Engine, t.Environ, t.Vectors = o.Bundle, o.Cache, o.Engine, o.Environ, o.Vectors
	for _, dir := range []*string{&t.Bundle, &t.Cache} {
		if *dir == "" {
			continue
		}
		if *dir, err = filepath.Abs(*dir); err != nil {
			return nil, err
		}
	}
	if t.Work, err = os.MkdirTemp("", "zlayer-conformance-"); err != nil {
		return nil, fmt.Errorf("making a folder for the run: %w", err)
	}
	return t, nil
}

// checkEngine refuses a command that cannot run the plugin.
func checkEngine(t *target.Target, command []string) error {
	if len(command) > 0 && !t.Is(target.Frontend) && t.Invalid == nil {
		return errors.New("only frontends run in an engine")
	}
	_, err := engine.Open(command, "")
	return err
}

// gather makes all cases for a plugin. done ends what they share. Those that run
// the plugin come after those that say whether it may be run.
func gather(t *target.Target) (cases []suite.Case, done func(), err error) {
	var ends []func()
	done = func() {
		for _, end := range ends {
			end()
		}
	}
	cases, gates := contract.Cases(t)
	for _, s := range sections {
		if !slices.ContainsFunc(s.kinds, t.Is) {
			continue
		}
		more, end, err := s.cases(t)
		if err != nil {
			return nil, done, err
		}
		for i := range more {
			more[i].After = append(slices.Clone(gates), more[i].After...)
		}
		cases, ends = append(cases, more...), append(ends, end)
	}
	return cases, done, distinct(cases)
}

// distinct fails when two cases have one name.
func distinct(cases []suite.Case) error {
	seen := map[string]bool{}
	for _, c := range cases {
		if seen[c.Name] {
			return fmt.Errorf("two cases have the name %s", c.Name)
		}
		seen[c.Name] = true
	}
	return nil
}
