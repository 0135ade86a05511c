// SPDX-License-Identifier: Apache-2.0

package vectors

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

//go:embed manifest/*.txtar
var manifests embed.FS

// Manifest is a plugin's folder, to be accepted or refused before anything of
// it runs.
type Manifest struct {
	Vector
	// JSON is its manifest.
	JSON []byte
	// Class is "ok"; "refused" when it is not valid; "version" when it speaks
	// another major; "digest" when a file is not the one that it means.
	Class string
	// Where is the key, the place in a list or the file that is wrong. Empty:
	// the whole manifest.
	Where string
	// Matches say what the frontend claims.
	Matches []Match
}

// Match says how a frontend claims a build file.
type Match struct {
	// Name is the base name of a build file or, when Syntax is set, what its
	// syntax line says.
	Name   string
	Syntax bool
	// How is "exact", "pattern" or "none".
	How string
}

// Manifests returns the manifests of this project, sorted by name.
func Manifests() ([]*Manifest, error) { return ReadManifests(manifests) }

// ReadManifests returns the vectors in the folder "manifest" of a file system,
// sorted by name. None is no error.
func ReadManifests(fsys fs.FS) ([]*Manifest, error) { return read(fsys, "manifest", ParseManifest) }

// ParseManifest reads one vector. A header it does not know is an error.
func ParseManifest(name string, data []byte) (*Manifest, error) {
	v, err := parse(name, data, noHeaders)
	if err != nil {
		return nil, err
	}
	m := &Manifest{Vector: v}
	m.Class, m.Where, _ = strings.Cut(v.Expect, " ")
	if !slices.Contains([]string{"ok", "refused", "version", "digest"}, m.Class) {
		return nil, fmt.Errorf("expect: want ok, refused, version or digest")
	}
	var ok bool
	if m.JSON, ok = v.File("zlayer-plugin.json"); !ok {
		return nil, fmt.Errorf("there is no zlayer-plugin.json")
	}
	text, _ := v.File("@match")
	if err := lines(string(text), m.match); err != nil {
		return nil, fmt.Errorf("@match: %w", err)
	}
	return m, nil
}

// match reads "NAME HOW" or "syntax NAME HOW".
func (m *Manifest) match(words []string) error {
	syntax := len(words) == 3 && words[0] == "syntax"
	if syntax {
		words = words[1:]
	}
	if len(words) != 2 || !slices.Contains([]string{"exact", "pattern", "none"}, words[1]) {
		return fmt.Errorf("want [syntax] NAME exact|pattern|none")
	}
	m.Matches = append(m.Matches, Match{Name: words[0], Syntax: syntax, How: words[1]})
	return nil
}

// noHeaders is for kinds without headers of their own.
func noHeaders(string, string) (known bool, err error) { return false, nil }
