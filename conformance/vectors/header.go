// SPDX-License-Identifier: Apache-2.0

package vectors

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Vector is what vectors of every kind have.
type Vector struct {
	// Name is the file's name without its extension.
	Name string
	// About says in one sentence what is looked at.
	About string
	// Spec are the ids of the sentences in SPEC.md that it is about.
	Spec []string
	// Should is set when SPEC.md only says SHOULD.
	Should bool
	// After are vectors of the same folder without which it says nothing.
	After []string
	// Expect is the class of the outcome and what belongs to it: "ok",
	// "source line 3 exit 1". Kinds say which classes there are.
	Expect string
	// Files are its files.
	Files []File
}

// SyntaxError is a file that holds no vector.
type SyntaxError struct {
	// File is its path in the folder of vectors.
	File string
	// Err is the reason.
	Err error
}

// Error returns the file and the reason.
func (e *SyntaxError) Error() string { return e.File + ": " + e.Err.Error() }

// Unwrap returns the reason.
func (e *SyntaxError) Unwrap() error { return e.Err }

// read reads the vectors in a folder of a file system, sorted by name.
func read[V any](fsys fs.FS, folder string, parse func(name string, data []byte) (V, error)) ([]V, error) {
	names, err := fs.Glob(fsys, folder+"/*.txtar")
	if err != nil {
		return nil, err
	}
	var all []V
	for _, name := range names {
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		v, err := parse(strings.TrimSuffix(path.Base(name), ".txtar"), data)
		if err != nil {
			return nil, &SyntaxError{File: name, Err: err}
		}
		all = append(all, v)
	}
	return all, nil
}

// parse reads what all vectors have. Of headers that are a kind's own it calls
// own, which says whether it knows the key.
func parse(name string, data []byte, own func(key, value string) (known bool, err error)) (Vector, error) {
	comment, files := unpack(string(data))
	v := Vector{Name: name, Files: files}
	about, headers, _ := strings.Cut(comment, "\n")
	if v.About = strings.TrimSpace(about); v.About == "" {
		return v, fmt.Errorf("the first line says nothing")
	}
	for line := range strings.Lines(headers) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		key, value, _ := strings.Cut(line, ": ")
		if err := v.header(key, value, own); err != nil {
			return v, fmt.Errorf("header %q: %w", line, err)
		}
	}
	if v.Expect == "" {
		return v, fmt.Errorf("no header says what to expect")
	}
	return v, nil
}

func (v *Vector) header(key, value string, own func(key, value string) (bool, error)) error {
	switch key {
	case "spec":
		v.Spec = strings.Fields(value)
	case "after":
		v.After = strings.Fields(value)
	case "expect":
		v.Expect = value
	case "level":
		if v.Should = value == "should"; !v.Should && value != "must" {
			return fmt.Errorf("want must or should")
		}
	default:
		known, err := own(key, value)
		if !known && err == nil {
			err = fmt.Errorf("unknown key %q", key)
		}
		return err
	}
	return nil
}

// File returns a file of the vector.
func (v *Vector) File(name string) ([]byte, bool) {
	for _, f := range v.Files {
		if f.Name == name {
			return f.Data, true
		}
	}
	return nil, false
}
