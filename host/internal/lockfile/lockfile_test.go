// SPDX-License-Identifier: Apache-2.0

package lockfile_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zlayer/zlayer/host/internal/lockfile"
	"github.com/zlayer/zlayer/sdk/manifest"
)

var digest = "sha256:" + strings.Repeat("0a", 32)

func frontend() *manifest.Manifest {
	return &manifest.Manifest{
		Schema: 1, ID: "acme.example/lines", Kind: manifest.Frontend, Version: "1.2.3", Protocol: manifest.Protocol{Major: 1},
		Files:  []manifest.File{{Path: "lines.wasm", Digest: digest, Role: "main"}},
		Claims: &manifest.Claims{Files: []string{"Linesfile"}},
	}
}

func backend() *manifest.Manifest {
	return &manifest.Manifest{
		Schema: 1, ID: "acme.example/oven", Kind: manifest.Backend, Version: "0.1.0", Protocol: manifest.Protocol{Major: 1, Minor: 3},
		Files: []manifest.File{
			{Path: "policy.json", Digest: digest},
			{Path: "arm/oven", Digest: digest, Platform: "linux/arm64", Role: "main"},
			{Path: "amd/oven", Digest: digest, Platform: "linux/amd64", Role: "main"},
		},
		Capabilities: &manifest.Capabilities{Features: []string{"exec"}, Platforms: []string{"linux/*"}},
		Permissions:  &manifest.Permissions{Network: true, Paths: []string{"~/.cache/oven:rw"}, Tools: []string{"git"}},
		Environment:  []string{"PATH", "OVEN_*"},
	}
}

func both() *lockfile.File {
	var f lockfile.File
	f.Put(lockfile.NewEntry(backend(), []byte("b"), "registry.example/oven:1", "registry.example/oven@"+digest, false))
	f.Put(lockfile.NewEntry(frontend(), []byte("f"), "./lines", "lines", true))
	return &f
}

const want = `{
  "schema": 1,
  "plugins": [
    {
      "id": "acme.example/lines",
      "version": "1.2.3",
      "kind": "frontend",
      "source": "./lines",
      "resolved": "lines",
      "manifest": "sha256:252f10c83610ebca1a059c0bae8255eba2f95be4d1d7bcfa89d7248a82d9f111",
      "protocol": ">=1.0 <2",
      "files": [
        {
          "platform": "any",
          "path": "lines.wasm",
          "digest": "DIGEST"
        }
      ],
      "development": true
    },
    {
      "id": "acme.example/oven",
      "version": "0.1.0",
      "kind": "backend",
      "source": "registry.example/oven:1",
      "resolved": "registry.example/oven@DIGEST",
      "manifest": "sha256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d",
      "protocol": ">=1.0 <2",
      "files": [
        {
          "platform": "any",
          "path": "policy.json",
          "digest": "DIGEST"
        },
        {
          "platform": "linux/amd64",
          "path": "amd/oven",
          "digest": "DIGEST"
        },
        {
          "platform": "linux/arm64",
          "path": "arm/oven",
          "digest": "DIGEST"
        }
      ],
      "permissions": {
        "network": true,
        "paths": [
          "~/.cache/oven:rw"
        ],
        "tools": [
          "git"
        ]
      },
      "environment": [
        "PATH",
        "OVEN_*"
      ]
    }
  ]
}
`

func write(t *testing.T, f *lockfile.File) (path, text string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), lockfile.Name)
	if err := f.Write(path); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return path, string(data)
}

func TestALockIsTheSameHoweverItCameAbout(t *testing.T) {
	path, text := write(t, both())
	if diff := cmp.Diff(strings.ReplaceAll(want, "DIGEST", digest), text); diff != "" {
		t.Error(diff)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("%v, %v: others cannot read it", info.Mode(), err)
	}
	back, err := lockfile.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	back.Plugins[0], back.Plugins[1] = back.Plugins[1], back.Plugins[0]
	if _, again := write(t, back); again != text {
		t.Errorf("it became %s", again)
	}
	if _, empty := write(t, &lockfile.File{}); empty != "{\n  \"schema\": 1,\n  \"plugins\": []\n}\n" {
		t.Errorf("an empty one is %s", empty)
	}
}

func TestWriteKeepsAFileThatIsTheSame(t *testing.T) {
	path, _ := write(t, both())
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := both().Write(path); err != nil {
		t.Fatal(err)
	}
	if after, err := os.Stat(path); err != nil || !os.SameFile(before, after) {
		t.Errorf("it was replaced, %v", err)
	}
	f := both()
	f.Drop("acme.example/oven")
	if err := f.Write(path); err != nil {
		t.Fatal(err)
	}
	if after, err := os.Stat(path); err != nil || os.SameFile(before, after) {
		t.Errorf("it was changed in place, %v", err)
	}
}

func TestWriteLeavesTheOldWhenItRefuses(t *testing.T) {
	path, text := write(t, both())
	f := both()
	f.Plugins[0].Manifest = "sha256:0"
	var bad *lockfile.Error
	if err := f.Write(path); !errors.As(err, &bad) || !strings.Contains(err.Error(), `"sha256:0" is no digest`) {
		t.Errorf("got %v", err)
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != text {
		t.Errorf("%v: %s", err, data)
	}
}

func TestEntriesById(t *testing.T) {
	f := both()
	e, ok := f.Entry("acme.example/oven")
	if !ok || e.Version != "0.1.0" {
		t.Fatalf("got %v, %v", e, ok)
	}
	e.Version = "0.2.0"
	f.Put(e)
	if e, ok := f.Entry("acme.example/oven"); !ok || e.Version != "0.2.0" || len(f.Plugins) != 2 {
		t.Errorf("got %v, %v", e, ok)
	}
	if _, ok := f.Entry("oven"); ok {
		t.Error("there is no oven")
	}
	if f.Drop("oven") || !f.Drop("acme.example/oven") || f.Drop("acme.example/oven") || len(f.Plugins) != 1 {
		t.Errorf("left is %v", f.Plugins)
	}
}

func TestFindLooksUpwards(t *testing.T) {
	top := t.TempDir()
	deep := filepath.Join(top, "a", "b")
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	if got := lockfile.Find(deep); strings.HasPrefix(got, top) {
		t.Errorf("found %s", got)
	}
	for _, dir := range []string{top, filepath.Join(top, "a")} {
		path := filepath.Join(dir, lockfile.Name)
		if err := both().Write(path); err != nil {
			t.Fatal(err)
		}
		if got := lockfile.Find(deep); got != path {
			t.Errorf("found %q, want %s", got, path)
		}
	}
}
