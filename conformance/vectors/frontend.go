// SPDX-License-Identifier: Apache-2.0

package vectors

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

//go:embed frontend/*.txtar
var frontends embed.FS

// Frontend is one thing that a frontend must do: understand a build file, or
// keep to the protocol.
type Frontend struct {
	Vector
	// File is the name of the build file. Empty: the vector is a script.
	File string
	// Content is the build file.
	Content []byte
	// Context is the rest of the build context: contents by path.
	Context map[string][]byte
}

// wants are the files that say what must come out of a build file.
var wants = []string{"@want.diag", "@want.ir", "@want.ranges", "@want.symbols", "@want.tokens", "@want.fix", "@want.needs"}

// Frontends returns what frontends are tested with, sorted by name.
func Frontends() ([]*Frontend, error) { return ReadFrontends(frontends) }

// ReadFrontends returns the vectors in the folder "frontend" of a file system,
// sorted by name. None is no error.
func ReadFrontends(fsys fs.FS) ([]*Frontend, error) {
	return read(fsys, "frontend", ParseFrontend)
}

// ParseFrontend reads one vector. A header it does not know is an error.
func ParseFrontend(name string, data []byte) (*Frontend, error) {
	v, err := parse(name, data, func(string, string) (bool, error) { return false, nil })
	if err != nil {
		return nil, err
	}
	f := &Frontend{Vector: v, Context: map[string][]byte{}}
	if _, ok := f.Vector.File("@script"); ok {
		return f, f.checkScript()
	}
	return f, f.buildFile()
}

// buildFile finds the build file, the first one there is, and the others.
func (f *Frontend) buildFile() error {
	for _, file := range f.Files {
		switch {
		case file.Name == "@setup" || slices.Contains(wants, file.Name):
		case strings.HasPrefix(file.Name, "@"):
			return fmt.Errorf("unknown file %s", file.Name)
		default:
			f.add(file.Name, file.Data)
		}
	}
	setup, _ := f.Vector.File("@setup")
	if err := lines(string(setup), f.setup); err != nil {
		return fmt.Errorf("@setup: %w", err)
	}
	_, diagnostics := f.Vector.File("@want.diag")
	_, build := f.Vector.File("@want.ir")
	switch {
	case f.File == "":
		return fmt.Errorf("there is no build file")
	case f.Expect != "ok" && f.Expect != "diagnostics":
		return fmt.Errorf("expect: want ok or diagnostics")
	case f.Expect == "diagnostics" && (build || !diagnostics):
		return fmt.Errorf("where diagnostics are expected, @want.diag says which, and there is no @want.ir")
	}
	return nil
}

func (f *Frontend) setup(words []string) error {
	if words[0] != "file" || len(words) != 3 {
		return fmt.Errorf("want file NAME TEXT")
	}
	f.add(words[1], []byte(words[2]))
	return nil
}

func (f *Frontend) add(name string, data []byte) {
	if f.File == "" {
		f.File, f.Content = name, data
		return
	}
	f.Context[name] = data
}
