// SPDX-License-Identifier: Apache-2.0

package scaffold

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// all are the projects that there are.
func all() (list []*Project) {
	for _, kind := range Kinds() {
		for _, language := range Languages(kind) {
			list = append(list, &Project{Kind: kind, Language: language, ID: "me.example/my-plugin", Module: "me.example/plugin", Version: "v1.2.3"})
		}
	}
	return list
}

func TestProjectsAreWhole(t *testing.T) {
	for _, p := range all() {
		t.Run(p.Language+"-"+p.Kind, func(t *testing.T) {
			files, err := p.Files()
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"Makefile", "README.md", ".gitignore", "zlayer-plugin.json"} {
				if files[name] == nil {
					t.Errorf("there is no %s", name)
				}
			}
			vectors := 0
			for name, data := range files {
				if strings.HasPrefix(name, "vectors/") {
					vectors++
				}
				for _, odd := range []string{"{{", "SPDX", "zlayer/cmd/"} {
					if strings.Contains(string(data), odd) && filepath.Ext(name) != ".txtar" && !strings.HasSuffix(name, ".go") {
						t.Errorf("%s holds %q", name, odd)
					}
				}
			}
			if vectors == 0 {
				t.Error("there are no vectors")
			}
			if lines := strings.Count(string(files["README.md"]), "\n"); lines > 15 {
				t.Errorf("README.md has %d lines", lines)
			}
		})
	}
}

// The go line of a project is that of the SDK, which needs it.
func TestGoVersion(t *testing.T) {
	sdk, err := os.ReadFile("../../../../sdk/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(sdk), "\ngo ")
	version, _, _ := strings.Cut(rest, "\n")
	files, err := all()[0].Files()
	if err != nil {
		t.Fatal(err)
	}
	if mod := string(files["go.mod"]); !strings.Contains(mod, "\ngo "+version+"\n") || strings.Contains(mod, "replace") {
		t.Errorf("the SDK is of go %s, and go.mod is\n%s", version, mod)
	}
}

func TestIDThatNoHostWouldTake(t *testing.T) {
	p := all()[0]
	p.ID = "Mine"
	if _, err := p.Files(); err == nil || !strings.Contains(err.Error(), `id "Mine"`) {
		t.Errorf("got %v", err)
	}
}

func TestWriteIsAllOrNothing(t *testing.T) {
	files := map[string][]byte{"a": []byte("1"), "b/c": []byte("2")}
	top := t.TempDir()
	for _, dir := range []string{"new", "deep/new", "empty"} {
		dir := filepath.Join(top, dir)
		if filepath.Base(dir) == "empty" {
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		if err := Write(dir, files); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(dir, "b", "c")); err != nil || string(got) != "2" {
			t.Errorf("%s: got %q, %v", dir, got, err)
		}
		if err := Write(dir, files); !errors.Is(err, ErrNotEmpty) {
			t.Errorf("%s: a second time: %v", dir, err)
		}
	}
	// A name that is a file and a folder cannot be written.
	if err := Write(filepath.Join(top, "bad"), map[string][]byte{"a": nil, "a/b": nil}); err == nil {
		t.Error("a project that cannot be written was written")
	}
	entries, err := os.ReadDir(top)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 3 {
		t.Errorf("left is %v", entries)
	}
}
