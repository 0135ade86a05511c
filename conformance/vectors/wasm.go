// SPDX-License-Identifier: Apache-2.0

package vectors

import (
	"cmp"
	"embed"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed wasm/*.txtar
var wasms embed.FS

// Wasm is one build of a WebAssembly module, and what the module does.
type Wasm struct {
	Vector
	// Language is that of the project: "go".
	Language string
	// Options are wishes to the toolchain, "NAME=VALUE", in order. A name that
	// is there several times has several values.
	Options []string
	// Ignore are the patterns of what is hidden from the build.
	Ignore []string
	// Env are variables, "NAME=VALUE", that take the place of the user's.
	Env []string
	// Epoch is SOURCE_DATE_EPOCH. Nil when not set.
	Epoch *int64
	// Again are further builds that must give the same bytes: AgainSame, ….
	Again []string
	// Imports are the modules that the module imports from besides that of
	// WASI. With any it cannot be run.
	Imports []string
	// Runs are what the module does. Nil when the build fails.
	Runs []WasmRun
	// Fails says how the build fails. Nil: it does not.
	Fails *WasmFailure
}

// What Again can ask for.
const (
	// AgainSame is the same build once more.
	AgainSame = "same"
	// AgainUncached uses no results of earlier builds.
	AgainUncached = "uncached"
	// AgainElsewhere has another folder for the project and for the state.
	AgainElsewhere = "elsewhere"
)

// WasmRun is what a module does when it runs once.
type WasmRun struct {
	// Args are its arguments, without its name.
	Args []string
	// Stdin is what it can read.
	Stdin string
	// Stdout is what it writes there.
	Stdout string
	// Stderr are pieces of what it writes there.
	Stderr []string
	// Exit is its exit code, or ExitTrap.
	Exit int
}

// ExitTrap is the exit code of a module that traps.
const ExitTrap = -1

// WasmFailure is how a build of a module has to fail.
type WasmFailure struct {
	// Class is "source" when the project is to blame, "machine" when a tool
	// cannot be had, and "unsupported" when the backend says beforehand that it
	// cannot build this here.
	Class string
	// File is the file of the first finding, relative to the project. Empty:
	// any, or none.
	File string
	// Line and Column are where it begins, from 1; 0 for anywhere.
	Line, Column int
}

// Wasms returns the builds of modules of this project, sorted by name.
func Wasms() ([]*Wasm, error) { return ReadWasms(wasms) }

// ReadWasms returns the builds of modules in the folder "wasm" of a file
// system, sorted by name. None is no error.
func ReadWasms(fsys fs.FS) ([]*Wasm, error) { return read(fsys, "wasm", ParseWasm) }

// ParseWasm reads one build of a module. A header it does not know is an error.
func ParseWasm(name string, data []byte) (*Wasm, error) {
	w := &Wasm{}
	v, err := parse(name, data, w.header)
	if err != nil {
		return nil, err
	}
	w.Vector = v
	if w.Language == "" {
		return nil, fmt.Errorf("no header says the language")
	}
	if v.Expect != "ok" {
		if w.Fails, err = parseWasmFailure(v.Expect); err != nil {
			return nil, fmt.Errorf("expect: %w", err)
		}
	}
	text, _ := w.File("@run")
	if err := lines(string(text), w.run); err != nil {
		return nil, fmt.Errorf("@run: %w", err)
	}
	if cannot := w.Fails != nil || len(w.Imports) > 0; cannot != (len(w.Runs) == 0) {
		return nil, fmt.Errorf("@run has to say what a module does that can be run, and of no other")
	}
	return w, nil
}

func (w *Wasm) header(key, value string) (known bool, err error) {
	switch key {
	case "language":
		w.Language = value
	case "option":
		w.Options = append(w.Options, value)
	case "ignore":
		w.Ignore = append(w.Ignore, value)
	case "env":
		w.Env = append(w.Env, value)
	case "epoch":
		var seconds int64
		seconds, err = strconv.ParseInt(value, 10, 64)
		w.Epoch = &seconds
	case "again":
		w.Again = strings.Fields(value)
		all := []string{AgainSame, AgainUncached, AgainElsewhere}
		if slices.ContainsFunc(w.Again, func(a string) bool { return !slices.Contains(all, a) }) {
			err = fmt.Errorf("want some of %v", all)
		}
	case "imports":
		w.Imports = strings.Fields(value)
	default:
		return false, nil
	}
	return true, err
}

// parseWasmFailure reads "CLASS [FILE[:LINE[:COLUMN]]]".
func parseWasmFailure(text string) (*WasmFailure, error) {
	class, place, _ := strings.Cut(text, " ")
	if !slices.Contains([]string{"source", "machine", "unsupported"}, class) {
		return nil, fmt.Errorf("want ok; or source, machine or unsupported, then FILE:LINE:COLUMN")
	}
	parts := strings.Split(place, ":")
	f := &WasmFailure{Class: class, File: parts[0]}
	var n number
	for i, to := range []*int{&f.Line, &f.Column} {
		if len(parts) > i+1 {
			*to = int(n.parse(parts[i+1], 10))
		}
	}
	if len(parts) > 3 {
		return nil, fmt.Errorf("%q is no FILE:LINE:COLUMN", place)
	}
	return f, n.err
}

// run reads a line of @run.
func (w *Wasm) run(words []string) (err error) {
	if words[0] == "run" {
		w.Runs = append(w.Runs, WasmRun{Args: words[1:]})
		return nil
	}
	if len(w.Runs) == 0 || len(words) != 2 {
		return fmt.Errorf("want run first, then words with one value")
	}
	r := &w.Runs[len(w.Runs)-1]
	switch words[0] {
	case "stdin":
		r.Stdin += words[1]
	case "stdout":
		r.Stdout += words[1]
	case "stderr":
		r.Stderr = append(r.Stderr, words[1])
	case "exit":
		if r.Exit = ExitTrap; words[1] != "trap" {
			r.Exit, err = strconv.Atoi(words[1])
		}
	default:
		err = fmt.Errorf("unknown verb %q", words[0])
	}
	return err
}

// Write writes the project into dir, which exists, and does what @setup says.
// Every file and folder has the time When.
func (w *Wasm) Write(dir string) error {
	s := setup{dir: dir, times: map[string]time.Time{}, modes: map[string]uint32{}}
	for _, f := range w.Files {
		if strings.HasPrefix(f.Name, "@") {
			continue
		}
		if err := writeAt(filepath.Join(dir, filepath.FromSlash(f.Name)), f.Data); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	text, _ := w.File("@setup")
	if err := lines(string(text), s.line); err != nil {
		return fmt.Errorf("@setup: %w", err)
	}
	return s.settle(dir)
}

// changed is how the names of files begin that take the place of others.
const changed = "@then/"

// Changes reports whether the project is built, then changed and built again;
// only the second build counts.
func (w *Wasm) Changes() bool {
	return slices.ContainsFunc(w.Files, func(f File) bool { return strings.HasPrefix(f.Name, changed) })
}

// Change writes the files of the second build into the project in dir. Their
// time is that of all files.
func (w *Wasm) Change(dir string) error {
	for _, f := range w.Files {
		name, ok := strings.CutPrefix(f.Name, changed)
		if !ok {
			continue
		}
		path := filepath.Join(dir, filepath.FromSlash(name))
		err := writeAt(path, f.Data)
		if err = cmp.Or(err, setTime(path, When)); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return nil
}
