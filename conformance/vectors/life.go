// SPDX-License-Identifier: Apache-2.0

package vectors

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"
)

//go:embed life/*.txtar life/builds/*.txtar
var embeddedLives embed.FS

// Life is a script about the life of a backend: what a host does, and what has
// to come of it.
type Life struct {
	Vector
	// Kinds are the kinds of backends that it is for: "container", "wasm".
	Kinds []string
	// Languages are the languages of wasm builds that it is for. Empty: all.
	Languages []string
	// Needs are the features without which a backend cannot do it.
	Needs []string
	// Limit is how long it may take. 0: the suite's default.
	Limit time.Duration
	// Alone is set for what measures: nothing else runs meanwhile.
	Alone bool
	// OwnState are the kinds of backends with which it needs a state folder of
	// its own; else it shares one with others.
	OwnState []string
	// Script is what is done, line by line.
	Script []Line
	// Builds are its own builds by name. Others are those of Builds.
	Builds map[string]Build
}

// Line is a line of a script.
type Line struct {
	// Number is its number in the script, from 1.
	Number int
	// Words are its words: a verb, then what the verb is about.
	Words []string
}

// String is the line as it is written, with one space between words.
func (l Line) String() string { return strings.Join(l.Words, " ") }

// Build is something to build: the files of a container's context, or of a
// project, by what it is for: "container", or the language of a wasm build.
type Build map[string][]File

// Lives returns the scripts of this project, sorted by name.
func Lives() ([]*Life, error) { return ReadLives(embeddedLives) }

// ReadLives returns the scripts in the folder "life" of a file system, sorted
// by name. None is no error.
func ReadLives(fsys fs.FS) ([]*Life, error) { return read(fsys, "life", ParseLife) }

// Builds returns the builds that scripts of this project share, by name.
func Builds() (map[string]Build, error) { return ReadBuilds(embeddedLives) }

// ReadBuilds returns the builds in the folder "life/builds" of a file system.
func ReadBuilds(fsys fs.FS) (map[string]Build, error) {
	all := map[string]Build{}
	_, err := read(fsys, "life/builds", func(name string, data []byte) (_ Build, err error) {
		_, files := unpack(string(data))
		all[name], err = sortBuild(files)
		return nil, err
	})
	return all, err
}

// sortBuild sorts files "FOR/PATH" of one build.
func sortBuild(files []File) (Build, error) {
	b := Build{}
	for _, f := range files {
		kind, name, ok := strings.Cut(f.Name, "/")
		if !ok {
			return nil, fmt.Errorf("file %q does not say what it is for", f.Name)
		}
		b[kind] = append(b[kind], File{Name: name, Data: f.Data})
	}
	return b, nil
}

// ParseLife reads one script. A header it does not know is an error; a verb is
// not looked at.
func ParseLife(name string, data []byte) (*Life, error) {
	l := &Life{Kinds: []string{"container", "wasm"}, Builds: map[string]Build{}}
	v, err := parse(name, data, l.header)
	if err != nil {
		return nil, err
	}
	l.Vector = v
	script, ok := l.File("script")
	if !ok {
		return nil, fmt.Errorf("there is no script")
	}
	if err := l.script(string(script)); err != nil {
		return nil, fmt.Errorf("script: %w", err)
	}
	if len(l.Script) == 0 {
		return nil, fmt.Errorf("the script does nothing")
	}
	return l, l.builds()
}

func (l *Life) header(key, value string) (known bool, err error) {
	switch key {
	case "kinds":
		l.Kinds, err = kinds(value)
	case "languages":
		l.Languages = strings.Fields(value)
	case "needs":
		l.Needs = strings.Fields(value)
	case "limit":
		l.Limit, err = time.ParseDuration(value)
	case "alone":
		if l.Alone = value == "yes"; !l.Alone {
			err = fmt.Errorf("want yes, or no such header")
		}
	case "own-state":
		l.OwnState, err = kinds(value)
	default:
		return false, nil
	}
	return true, err
}

// kinds reads kinds of backends.
func kinds(value string) ([]string, error) {
	list := strings.Fields(value)
	for _, k := range list {
		if k != "container" && k != "wasm" {
			return nil, fmt.Errorf("unknown kind %q", k)
		}
	}
	return list, nil
}

// script reads the lines.
func (l *Life) script(text string) error {
	n := 0
	for line := range strings.Lines(text) {
		n++
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		words, err := split(line)
		if err != nil {
			return fmt.Errorf("line %d, %s: %w", n, line, err)
		}
		l.Script = append(l.Script, Line{Number: n, Words: words})
	}
	return nil
}

// builds sorts the files "BUILD/FOR/PATH".
func (l *Life) builds() error {
	files := map[string][]File{}
	for _, f := range l.Files {
		if name, rest, ok := strings.Cut(f.Name, "/"); ok {
			files[name] = append(files[name], File{Name: rest, Data: f.Data})
		} else if f.Name != "script" {
			return fmt.Errorf("file %q is of no build", f.Name)
		}
	}
	for name, list := range files {
		b, err := sortBuild(list)
		if err != nil {
			return err
		}
		l.Builds[name] = b
	}
	return nil
}

// For reports whether it is for a kind, and, for wasm, a language.
func (l *Life) For(kind, language string) bool {
	return slices.Contains(l.Kinds, kind) &&
		(kind != "wasm" || len(l.Languages) == 0 || slices.Contains(l.Languages, language))
}

// Write writes the files of a build below dir, as Container.Write does.
func (b Build) Write(dir, kind string) error {
	c := &Container{Vector: Vector{Files: b[kind]}}
	return c.Write(dir)
}
