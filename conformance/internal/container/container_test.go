// SPDX-License-Identifier: Apache-2.0

package container

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/conformance/internal/build"
	"github.com/zlayer/zlayer/conformance/internal/target"
	"github.com/zlayer/zlayer/conformance/suite"
	"github.com/zlayer/zlayer/conformance/vectors"
	"github.com/zlayer/zlayer/sdk/manifest"
)

func TestCasesOfAuthors(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "container"), 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(name string) {
		text := "Mine.\nspec: C1\nlevel: should\nafter: basic-copy\nexpect: ok\n-- Dockerfile --\nFROM scratch\n"
		if err := os.WriteFile(filepath.Join(dir, "container", name+".txtar"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("of-my-own")
	p := &target.Target{Work: t.TempDir(), Vectors: []string{dir}, Manifest: &manifest.Manifest{ID: "mine"}}
	cases, done, err := Cases(p)
	if err != nil {
		t.Fatal(err)
	}
	done()
	names := map[string]bool{}
	for _, c := range cases {
		for _, after := range c.After {
			if !slices.ContainsFunc(cases, func(o suite.Case) bool { return o.Name == after }) {
				t.Errorf("%s comes after %s, which is not there", c.Name, after)
			}
		}
		if names[c.Name] || len(c.Spec) == 0 {
			t.Errorf("%s is there twice, or about no sentence", c.Name)
		}
		names[c.Name] = true
	}
	if !names["container/of-my-own"] || !names["container/basic-copy"] {
		t.Error("vectors are missing")
	}
	if left, err := os.ReadDir(p.Work); err != nil || len(left) > 0 {
		t.Errorf("before a case runs there is %v, %v", left, err)
	}
	write("basic-copy")
	if _, _, err := Cases(p); err == nil || !strings.Contains(err.Error(), "basic-copy") {
		t.Errorf("two vectors of one name: %v", err)
	}
}

func TestDeclaring(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"main", "helper.so", manifest.FileName} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	m := &manifest.Manifest{
		Schema: 1, ID: "mine", Kind: manifest.Backend, Version: "1.0.0", Protocol: manifest.Protocol{Major: 1},
		Files: []manifest.File{{Path: "main", Digest: "sha256:" + strings.Repeat("0", 64), Platform: "linux/amd64", Role: manifest.RoleMain}},
	}
	s := newSection(&target.Target{Dir: dir, Manifest: m})
	plugins := t.TempDir()
	if err := s.declaring(plugins); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(plugins, "plugin", manifest.FileName))
	if err != nil {
		t.Fatal(err)
	}
	all, err := manifest.Parse(text)
	if err != nil || all.Validate() != nil {
		t.Fatalf("%v, %v in %s", err, all.Validate(), text)
	}
	features := all.Capabilities.Features
	if !slices.Contains(features, "copy.link") || !slices.Contains(features, "exec.mount.ssh") || slices.Contains(features, "wasm.go") {
		t.Errorf("declared are %q", features)
	}
	for _, name := range []string{"main", "helper.so"} {
		if data, err := os.ReadFile(filepath.Join(plugins, "plugin", name)); string(data) != name {
			t.Errorf("%s has %q, %v", name, data, err)
		}
	}
	if m.Capabilities != nil {
		t.Error("the manifest of the target has changed")
	}
}

func TestMessages(t *testing.T) {
	failed := func(class string, exit int) *build.Outcome {
		return &build.Outcome{Failure: &vectors.Failure{Class: class, Line: 3, Exit: exit}, Message: "no space\nleft"}
	}
	for _, c := range []struct {
		want *vectors.Failure
		out  *build.Outcome
		text string
	}{
		{nil, failed("machine", 0), "the build failed (machine): no space"},
		{&vectors.Failure{Class: "source", Line: 3}, &build.Outcome{}, "the build ended well, and must fail: source line 3"},
		{&vectors.Failure{Class: "source"}, failed("died", 0), "the build failed otherwise than it must: died line 3, not source"},
	} {
		if got := surprise(c.want, c.out); got != c.text {
			t.Errorf("%s, want %s", got, c.text)
		}
		if c.out.Meets(c.want) {
			t.Errorf("%s: it is as wanted", c.text)
		}
	}
	if got := otherwise("", "gone f\n"); got != "the image has what it must not have: gone f" {
		t.Error(got)
	}
	if got := otherwise("file 644 0:0 f "+strings.Repeat("x", 200)+"\n", "gone f\n"); len(got) > 160 || !strings.HasPrefix(got, "the image lacks what it must have: file 644 0:0 f xx") {
		t.Error(got)
	}
}

func TestInput(t *testing.T) {
	v, err := vectors.ParseContainer("v", []byte("About.\nexpect: ok\nsecret: b=2\nsecret: a=1\nrounds: 2\n-- Dockerfile --\nFROM scratch\n-- f --\n"+
		strings.Repeat("x", 3000)+"\n-- @want --\nscratch\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := "secret: a=1\nsecret: b=2\nrounds: 2\n-- Dockerfile --\nFROM scratch\n-- f --\n" + strings.Repeat("x", maxFile) + "…\n"
	if got := input(v); got != want {
		t.Errorf("got %s", got)
	}
}
