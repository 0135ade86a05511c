// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/conformance"
	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/sdk/manifest"
)

var (
	specItem = regexp.MustCompile(`^- \[([A-Z][0-9]+)\] `)
	specWord = regexp.MustCompile(`\b(MUST|SHOULD)\b`)
)

// sentences reads the ids of SPEC.md, in order, with their text. It reports
// what is required in a sentence without an id.
func sentences(t *testing.T) (ids []string, text map[string]string) {
	t.Helper()
	data, err := os.ReadFile("../sdk/SPEC.md")
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(data), "\n## ")
	text = map[string]string{}
	id := ""
	for line := range strings.Lines(body) {
		if m := specItem.FindStringSubmatch(line); m != nil {
			id = m[1]
			if _, twice := text[id]; twice {
				t.Errorf("[%s] is there twice", id)
			}
			ids = append(ids, id)
		} else if !strings.HasPrefix(line, "  ") {
			id = ""
		}
		if id == "" && specWord.MatchString(line) {
			t.Errorf("no id says what is required in %q", strings.TrimSpace(line))
		}
		text[id] += line
	}
	return ids, text
}

// cited returns, by id, the vectors and cases that are about a sentence.
func cited(t *testing.T) map[string][]string {
	t.Helper()
	by := map[string][]string{}
	err := fs.WalkDir(os.DirFS("vectors"), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".txtar" {
			return err
		}
		data, err := os.ReadFile(filepath.Join("vectors", path))
		comment, _, _ := strings.Cut(string(data), "\n-- ")
		for line := range strings.Lines(comment) {
			if spec, ok := strings.CutPrefix(line, "spec: "); ok {
				for _, id := range strings.Fields(spec) {
					by[id] = append(by[id], "vectors/"+path)
				}
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, plugin := range []*manifest.Manifest{everyFrontend(), everyBackend()} {
		cases, err := conformance.List(conformance.Options{Plugin: install(t, plugin), Bundle: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cases {
			for _, id := range c.Spec {
				by[id] = append(by[id], c.Name)
			}
		}
	}
	return by
}

// everyFrontend and everyBackend have cases of every kind. They do nothing.
func everyFrontend() *manifest.Manifest {
	return &manifest.Manifest{
		Schema: 1, ID: "spec.example/frontend", Kind: manifest.Frontend, Version: "1.0.0", Protocol: manifest.Protocol{Major: 1},
		Files: []manifest.File{{Path: "main", Role: manifest.RoleMain}}, Claims: &manifest.Claims{Files: []string{"Dockerfile", "ZImagefile"}},
	}
}

func everyBackend() *manifest.Manifest {
	return &manifest.Manifest{
		Schema: 1, ID: "spec.example/backend", Kind: manifest.Backend, Version: "1.0.0", Protocol: manifest.Protocol{Major: 1},
		Files:        []manifest.File{{Path: "main", Role: manifest.RoleMain}},
		Capabilities: &manifest.Capabilities{Features: []string{"copy", "exec", "wasm.go", "wasm.preview1"}, Platforms: []string{runtime.GOOS + "/*"}},
	}
}

// install makes the folder of a plugin whose main file is empty.
func install(t *testing.T, m *manifest.Manifest) (dir string) {
	t.Helper()
	dir = t.TempDir()
	data, err := manifest.Format(m)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{manifest.FileName: data, "main": nil} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := host.Seal(dir, ""); err != nil {
		t.Fatal(err)
	}
	return dir
}

// SPEC.md and the suite are one: each sentence with an id has a vector or a
// case, and each vector and case is about sentences that are there.
func TestSpecAndVectorsAreOne(t *testing.T) {
	ids, text := sentences(t)
	by := cited(t)
	for _, id := range ids {
		if len(by[id]) == 0 {
			t.Errorf("no vector and no case is about [%s]: %s", id, strings.TrimSpace(text[id]))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(by)) {
		if names := by[id]; !slices.Contains(ids, id) {
			t.Errorf("SPEC.md has no [%s], which %d are about: %s", id, len(names), strings.Join(names[:min(5, len(names))], " "))
		}
	}
}
