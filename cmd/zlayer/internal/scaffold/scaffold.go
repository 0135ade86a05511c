// SPDX-License-Identifier: Apache-2.0

// Package scaffold writes the first version of a plugin: a project that builds
// and conforms, to be made into something else.
//
// Below templates is a folder for each kind and language, and "go" for what all
// projects in Go have. Files that end in ".tmpl" have names filled in, all
// others are written as they are: Go in them is compiled and tested where it is.
package scaffold

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"text/template"

	rustfrontend "github.com/zlayer/zlayer/conformance/testee/rust-frontend"
	"github.com/zlayer/zlayer/sdk/manifest"
)

//go:embed templates
var templates embed.FS

// Kinds are the kinds of plugins that there are projects for.
func Kinds() []string { return []string{"frontend", "container-backend", "wasm-backend"} }

// Languages are the languages that a kind of plugin can be written in here; the
// first is the default.
func Languages(kind string) []string {
	if kind == "frontend" {
		return []string{"go", "rust"}
	}
	return []string{"go"}
}

// Project says what is written.
type Project struct {
	// Kind and Language are of Kinds and Languages.
	Kind, Language string
	// ID is the plugin's id.
	ID string
	// Module is the path of the Go module.
	Module string
	// Version is the version of the SDK that a project in Go requires.
	Version string
	// SDK is the folder of a checkout of the SDK that is used in its place.
	// May be empty.
	SDK string
}

// Name is the last part of the plugin's id, which names files.
func (p *Project) Name() string { return path.Base(p.ID) }

// Files are the files of the project, by slash-separated path. The error says
// that the id will not do.
func (p *Project) Files() (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, from := range p.sources() {
		if err := p.add(files, from); err != nil {
			return nil, err
		}
	}
	return files, p.check(files[manifest.FileName])
}

// source is a folder that files come from.
type source struct {
	fsys fs.FS
	dir  string
	only string // the beginning of the names that are taken
}

// sources are the folders; a file of one takes the place of that of the same
// name in those before it.
func (p *Project) sources() []source {
	var list []source
	if p.Language == "go" {
		list = append(list, source{templates, "templates/go", ""})
	}
	switch {
	case p.Language == "rust":
		list = append(list, source{rustfrontend.Source, ".", ""})
	case p.Kind == "frontend": // of the same language
		list = append(list, source{rustfrontend.Source, ".", "vectors/"}, source{rustfrontend.Source, ".", "Layerfile.md"})
	default:
		list = append(list, source{templates, "templates/backend", ""})
	}
	return append(list, source{templates, "templates/" + p.Language + "-" + p.Kind, ""})
}

// add adds the files of a source.
func (p *Project) add(files map[string][]byte, from source) error {
	sub, err := fs.Sub(from.fsys, from.dir)
	if err != nil {
		return err
	}
	return fs.WalkDir(sub, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasPrefix(name, from.only) {
			return err
		}
		data, err := fs.ReadFile(sub, name)
		if err != nil {
			return err
		}
		if plain, ok := strings.CutSuffix(name, ".tmpl"); ok {
			name = plain
			if data, err = p.fill(data); err != nil {
				return fmt.Errorf("filling in %q: %w", name, err)
			}
		}
		if name == "gitignore" {
			name = ".gitignore"
		}
		files[name] = unlicensed(data)
		return nil
	})
}

// fill fills in the names.
func (p *Project) fill(text []byte) ([]byte, error) {
	t, err := template.New("").Parse(string(text))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = t.Execute(&out, p)
	return out.Bytes(), err
}

// unlicensed is a file without the line about our licence: what is written is
// its author's.
func unlicensed(data []byte) []byte {
	return bytes.TrimPrefix(data, []byte("// SPDX-License-Identifier: Apache-2.0\n\n"))
}

// check refuses a manifest that a host would refuse.
func (p *Project) check(data []byte) error {
	var m manifest.Manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return fmt.Errorf("the manifest of the project: %w", err)
	}
	for i := range m.Files { // sealing fills in the rest
		m.Files[i].Digest = "sha256:" + strings.Repeat("0", 64)
		if m.Kind == manifest.Backend {
			m.Files[i].Platform = "linux/amd64"
		}
	}
	return m.Validate()
}
