// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/toolchain/place"
)

// manifestName is the file that makes a folder a cargo package or workspace.
const manifestName = "Cargo.toml"

// The codes of findings.
const (
	codeCompile  = "rust-compile"         // rustc said it
	codeManifest = "cargo-manifest"       // a Cargo.toml is wrong
	codeOutside  = "rust-outside-context" // something outside of the context is needed
	codeScript   = "rust-build-script"    // a build script failed
	codeLock     = "cargo-no-lock"        // the versions of dependencies are not fixed
)

// walker reads the Cargo.toml files of a project: its own, those of its
// workspace and those it depends on by path.
type walker struct {
	root     string
	seen     map[string]bool // by folder, relative to the root
	names    map[string]bool // of the packages
	findings []*backendv1.Finding
}

// checkManifests refuses a folder that is no cargo package or workspace, a
// Cargo.toml that cannot be read, and one that takes files from outside of the
// context: they are not there, and the host could not know when they change.
// It returns the names of the project's packages.
func checkManifests(root string) (names map[string]bool, err error) {
	if _, err := os.Stat(filepath.Join(root, manifestName)); errors.Is(err, fs.ErrNotExist) {
		f := backend.Sourcef(nil, "the project has no %s file", manifestName)
		f.Help = "run 'cargo init' there, or build the folder that has it"
		return nil, f
	}
	m := &walker{root: root, seen: map[string]bool{}, names: map[string]bool{}}
	if err := m.read("."); err != nil || len(m.findings) == 0 {
		return m.names, err
	}
	f := backend.Sourcef(nil, "the project needs folders outside of its build context")
	f.Help = "build the folder that holds them all and choose with package, or vendor them: cargo vendor"
	f.Findings = m.findings
	return nil, f
}

// read reads the manifest in a folder and those it leads to.
func (m *walker) read(dir string) error {
	if m.seen[dir] {
		return nil
	}
	m.seen[dir] = true
	text, err := os.ReadFile(filepath.Join(m.root, dir, manifestName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // cargo explains it
	}
	if err != nil {
		return fmt.Errorf("reading the project: %w", err)
	}
	name := filepath.ToSlash(filepath.Join(dir, manifestName))
	parsed, err := parse(name, text)
	if err != nil {
		return err
	}
	m.names[parsed.Package.Name] = true
	for _, p := range pathsIn(text) {
		if err := m.follow(dir, place.NewFile(name, text), p); err != nil {
			return err
		}
	}
	return nil
}

// cargoManifest is what of a Cargo.toml is needed as it is; cargo explains the rest.
type cargoManifest struct {
	Package struct{ Name string }
}

// parse reports text that is not TOML.
func parse(name string, text []byte) (out cargoManifest, err error) {
	var wrong *toml.DecodeError
	err = toml.Unmarshal(text, &out)
	if !errors.As(err, &wrong) {
		return out, err
	}
	line, column := wrong.Position()
	message := strings.TrimPrefix(wrong.Error(), "toml: ")
	f := backend.Sourcef(nil, "%s cannot be read: %s", name, message)
	f.Findings = []*backendv1.Finding{backend.At(name,
		diag.Error(place.NewFile(name, text).Token(line, column), codeManifest, message))}
	return out, f
}

// follow goes where a path of the manifest in dir leads.
func (m *walker) follow(dir string, file *place.File, p manifestPath) error {
	if filepath.IsAbs(p.path) || !filepath.IsLocal(filepath.Join(dir, filepath.FromSlash(p.path))) {
		d := diag.Error(file.Bytes(p.start, p.end), codeOutside, p.path+" is outside of the build context")
		m.findings = append(m.findings, backend.At(file.Name, d))
		return nil
	}
	found := []string{filepath.Join(m.root, dir, filepath.FromSlash(p.path))}
	if p.glob {
		found, _ = filepath.Glob(found[0])
	}
	for _, path := range found {
		rel, err := filepath.Rel(m.root, path)
		if info, statErr := os.Stat(path); err != nil || statErr != nil || !info.IsDir() {
			continue
		}
		if err := m.read(rel); err != nil {
			return err
		}
	}
	return nil
}

// manifestPath is a path that a manifest names, and its place in bytes, quotes
// included.
type manifestPath struct {
	path       string
	glob       bool
	start, end int
}

// pathsIn returns the paths of a manifest that lead to something that is built:
// those named path, the members and the root of a workspace, and the build
// script (doc.rust-lang.org/cargo/reference/manifest.html).
func pathsIn(text []byte) (list []manifestPath) {
	parser := unstable.Parser{}
	parser.Reset(text)
	var table []string
	for parser.NextExpression() {
		e := parser.Expression()
		switch e.Kind {
		case unstable.Table, unstable.ArrayTable:
			table = keyOf(e)
		case unstable.KeyValue:
			list = append(list, pathsOf(slices.Concat(table, keyOf(e)), e.Value())...)
		}
	}
	return list
}

func keyOf(n *unstable.Node) (key []string) {
	for it := n.Key(); it.Next(); {
		key = append(key, string(it.Node().Data))
	}
	return key
}

// pathsOf returns the paths in the value of a key.
func pathsOf(key []string, value *unstable.Node) (list []manifestPath) {
	if len(key) > 1 && key[1] == "metadata" {
		return nil
	}
	children := value.Children()
	switch value.Kind {
	case unstable.InlineTable:
		for children.Next() {
			n := children.Node()
			list = append(list, pathsOf(slices.Concat(key, keyOf(n)), n.Value())...)
		}
	case unstable.Array:
		for children.Next() {
			list = append(list, pathsOf(key, children.Node())...)
		}
	case unstable.String:
		if isPath(key) {
			last := key[len(key)-1]
			return []manifestPath{{
				path: string(value.Data), glob: last == "members" || last == "default-members",
				start: int(value.Raw.Offset), end: int(value.Raw.Offset + value.Raw.Length),
			}}
		}
	}
	return list
}

// isPath says whether the text under a key is a path that is built.
func isPath(key []string) bool {
	switch last := key[len(key)-1]; {
	case last == "path":
		return true
	case len(key) != 2:
		return false
	case key[0] == "workspace":
		return last == "members" || last == "default-members"
	case key[0] == "package" || key[0] == "project":
		return last == "workspace" || last == "build"
	}
	return false
}
