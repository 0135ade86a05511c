// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/sdk/manifest"
)

var digest = "sha256:" + strings.Repeat("0a", 32)

func frontend() *manifest.Manifest {
	return &manifest.Manifest{
		Schema: 1, ID: "dockerfile", Kind: manifest.Frontend, Version: "1.2.3-rc.1+x",
		Protocol: manifest.Protocol{Major: 1},
		Files:    []manifest.File{{Path: "dockerfile.wasm", Digest: digest, Role: "main"}},
		Claims:   &manifest.Claims{Files: []string{"Dockerfile", "*.Dockerfile", "Dockerfile.*"}, Syntaxes: []string{"docker/dockerfile", "localhost:5000/mine"}},
	}
}

func backend() *manifest.Manifest {
	return &manifest.Manifest{
		Schema: 1, ID: "acme.example/oven", Kind: manifest.Backend, Version: "0.1.0",
		Protocol: manifest.Protocol{Major: 1, Minor: 3},
		Files: []manifest.File{
			{Path: "amd/oven", Digest: digest, Platform: "linux/amd64", Role: "main"},
			{Path: "amd/worker", Digest: digest, Platform: "linux/amd64"},
			{Path: "arm/oven", Digest: digest, Platform: "linux/arm64", Role: "main"},
			{Path: "policy.json", Digest: digest},
		},
		Capabilities: &manifest.Capabilities{Features: []string{"exec", "copy.from.stage", "acme.example/steam"}, Platforms: []string{"linux/*", "linux/arm/v7", "*"}},
		Permissions:  &manifest.Permissions{Network: true},
		Environment:  []string{"PATH", "OVEN_*"},
	}
}

func TestValidManifestsSurviveFormatAndParse(t *testing.T) {
	for _, m := range []*manifest.Manifest{frontend(), backend()} {
		if err := m.Validate(); err != nil {
			t.Errorf("%s: %v", m.ID, err)
		}
		b, err := manifest.Format(m)
		if err != nil {
			t.Fatal(err)
		}
		back, err := manifest.Parse(b)
		if err != nil {
			t.Fatalf("%v in %s", err, b)
		}
		if again, _ := manifest.Format(back); !bytes.Equal(b, again) {
			t.Errorf("%s became %s", b, again)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"empty", ``, "not JSON"},
		{"no object", `[1]`, "must be an object"},
		{"syntax", "{\n \"schema\": 1,\n \"id\" x}", "line 3: not JSON"},
		{"unknown key", `{"schema": 1, "hooks": []}`, `unknown key "hooks"`},
		{"unknown key inside", `{"schema": 1, "files": [{"path": "a", "mode": 1}]}`, `unknown key "mode"`},
		{"wrong type", "{\"schema\": 1,\n\"id\": 7}", `line 2: "id" is a number and must be a string`},
		{"no schema", `{}`, `add "schema": 1`},
		{"newer schema, with keys nobody knows", `{"schema": 2, "hooks": []}`, "update zlayer"},
		{"a key in capitals", `{"schema": 1, "Id": "x"}`, `unknown key "Id"`},
		{"a key twice", `{"schema": 1, "files": [{"path": "a", "path": "b"}]}`, `"path" is there twice`},
		{"null", `{"schema": 1, "files": null}`, `"files" is null`},
		{"null in a list", `{"schema": 1, "environment": [null]}`, `an element of "environment" is null`},
		{"not UTF-8", "{\"schema\": 1, \"summary\": \"\xff\"}", "not UTF-8"},
		{"two values", `{"schema": 1} {}`, "not JSON"},
		{"too large", strings.Repeat(" ", manifest.MaxSize+1), "more than"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := manifest.Parse([]byte(tt.in))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
		})
	}
	var schema *manifest.SchemaError
	if _, err := manifest.Parse([]byte(`{"schema": 3}`)); !errors.As(err, &schema) || schema.Schema != 3 {
		t.Errorf("got %v, want a *SchemaError", err)
	}
}

func TestValidateNamesEveryProblem(t *testing.T) {
	type M = manifest.Manifest
	for _, tt := range []struct {
		of     func() *M
		change func(*M)
		want   string
	}{
		{frontend, func(m *M) { m.Schema = 2 }, "schema is 2"},
		{frontend, func(m *M) { m.ID = "../x" }, `id "../x"`},
		{frontend, func(m *M) { m.ID = "acme.example/.." }, `id "acme.example/.."`},
		{frontend, func(m *M) { m.ID = "Docker" }, `id "Docker"`},
		{frontend, func(m *M) { m.ID = "acme/x" }, "must begin with a domain"},
		{frontend, func(m *M) { m.ID = strings.Repeat("x", 101) }, "at most 100"},
		{frontend, func(m *M) { m.Kind = "middleend" }, `kind is "middleend"`},
		{frontend, func(m *M) { m.Version = "v1.0.0" }, `version "v1.0.0"`},
		{frontend, func(m *M) { m.Version = "1.0" }, `version "1.0"`},
		{frontend, func(m *M) { m.Version = "1.0.0-01" }, `version "1.0.0-01"`},
		{frontend, func(m *M) { m.Version = "1.0.0-a..b" }, `version "1.0.0-a..b"`},
		{frontend, func(m *M) { m.Summary = "a\nb" }, "summary"},
		{frontend, func(m *M) { m.Protocol.Major = 0 }, "protocol.major"},
		{frontend, func(m *M) { m.Protocol.Minor = -1 }, "protocol.minor"},
		{frontend, func(m *M) { m.Files = nil }, `no file has the role "main"`},
		{frontend, func(m *M) { m.Files[0].Path = "../a" }, "files[0].path"},
		{frontend, func(m *M) { m.Files[0].Path = "a/../b" }, "files[0].path"},
		{frontend, func(m *M) { m.Files[0].Path = "/a" }, "files[0].path"},
		{frontend, func(m *M) { m.Files[0].Path = `..\a` }, "files[0].path"},
		{frontend, func(m *M) { m.Files[0].Path = "c:a" }, "files[0].path"},
		{frontend, func(m *M) { m.Files[0].Path = "" }, "files[0].path"},
		{frontend, func(m *M) { m.Files[0].Path = manifest.FileName }, "the manifest itself"},
		{frontend, func(m *M) { m.Files[0].Digest = "sha256:00" }, "files[0].digest"},
		{frontend, func(m *M) { m.Files[0].Digest = strings.ToUpper(digest) }, "files[0].digest"},
		{frontend, func(m *M) { m.Files[0].Role = "helper" }, "files[0].role"},
		{frontend, func(m *M) { m.Files[0].Platform = "linux/amd64" }, "for every platform"},
		{frontend, func(m *M) { m.Claims = nil }, "must have claims"},
		{frontend, func(m *M) { m.Claims = &manifest.Claims{} }, "neither files nor syntaxes"},
		{frontend, func(m *M) { m.Claims.Files[1] = "[" }, "claims.files[1]"},
		{frontend, func(m *M) { m.Claims.Files[0] = "a/b" }, "claims.files[0]"},
		{frontend, func(m *M) { m.Claims.Discover = []string{""} }, "claims.discover[0]"},
		{frontend, func(m *M) { m.Claims.Syntaxes[0] = "docker/dockerfile:1" }, "claims.syntaxes[0]"},
		{frontend, func(m *M) { m.Environment = []string{"HOME"} }, "no environment"},
		{frontend, func(m *M) { m.Permissions = &manifest.Permissions{} }, "no permissions"},
		{frontend, func(m *M) { m.Capabilities = &manifest.Capabilities{} }, "no capabilities"},
		{backend, func(m *M) { m.Claims = &manifest.Claims{} }, "no claims"},
		{backend, func(m *M) { m.Capabilities = nil }, "must have capabilities"},
		{backend, func(m *M) { m.Capabilities.Features[0] = "Exec" }, "capabilities.features[0]"},
		{backend, func(m *M) { m.Capabilities.Platforms[0] = "linux" }, "capabilities.platforms[0]"},
		{backend, func(m *M) { m.Environment[1] = "*" }, "environment[1]"},
		{backend, func(m *M) { m.Environment[1] = "A=b" }, "environment[1]"},
		{backend, func(m *M) { m.Environment[1] = "ZLAYER_LIFELINE_FD" }, "belongs to the host"},
		{backend, func(m *M) { m.Files[0].Platform = "linux" }, "files[0].platform"},
		{backend, func(m *M) { m.Files[1].Role = "main" }, `2 files have the role "main" on "linux/amd64"`},
		{backend, func(m *M) { m.Files[3].Role = "main" }, "one for every platform"},
		{backend, func(m *M) { m.Files[1] = m.Files[0]; m.Files[1].Role = "" }, "a second time"},
	} {
		m := tt.of()
		tt.change(m)
		if err := m.Validate(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, want %q", err, tt.want)
		}
	}
	var all *manifest.InvalidError
	if err := (&M{}).Validate(); !errors.As(err, &all) || len(all.Problems) < 5 {
		t.Errorf("an empty manifest has the problems %v", err)
	}
}

func TestFilesOfAPlatform(t *testing.T) {
	for _, tt := range []struct {
		of             *manifest.Manifest
		platform, want string
		files          int
	}{
		{frontend(), "plan9/386", "dockerfile.wasm", 1},
		{backend(), "linux/amd64", "amd/oven", 3},
		{backend(), "linux/arm64", "arm/oven", 2},
		{backend(), "darwin/arm64", "", 1},
	} {
		f, ok := tt.of.Main(tt.platform)
		if f.Path != tt.want || ok != (tt.want != "") || len(tt.of.On(tt.platform)) != tt.files {
			t.Errorf("%s on %s: %q, %v and %d files", tt.of.ID, tt.platform, f.Path, ok, len(tt.of.On(tt.platform)))
		}
	}
	if got := fmt.Sprint(backend().Platforms(), frontend().Platforms()); got != "[linux/amd64 linux/arm64] []" {
		t.Errorf("platforms %s", got)
	}
}

func TestClaims(t *testing.T) {
	c := frontend().Claims
	for name, want := range map[string]manifest.Match{
		"Dockerfile": manifest.ExactMatch, "Dockerfile.dev": manifest.PatternMatch, "a.Dockerfile": manifest.PatternMatch,
		"dockerfile": manifest.NoMatch, "": manifest.NoMatch, "Dockerfile.": manifest.PatternMatch,
	} {
		if got := c.Match(name); got != want {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	}
	for name, want := range map[string]bool{
		"docker/dockerfile": true, "docker/dockerfile:1.7-labs": true, "docker/dockerfile:1@" + digest: true,
		"localhost:5000/mine": true, "localhost:5000/mine:2": true, "localhost": false, "docker/dockerfile-upstream": false, "": false,
	} {
		if got := c.HasSyntax(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
	var none *manifest.Claims
	if none.Match("Dockerfile") != manifest.NoMatch || none.HasSyntax("docker/dockerfile") {
		t.Error("no claims claim something")
	}
}

func FuzzParse(f *testing.F) {
	for _, m := range []*manifest.Manifest{frontend(), backend()} {
		b, err := manifest.Format(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, "Dockerfile")
	}
	f.Add([]byte(`{"schema":1,"files":[{"path":"..//x"}]}`), "[")
	f.Fuzz(func(t *testing.T, b []byte, name string) {
		m, err := manifest.Parse(b)
		if err != nil {
			return
		}
		m.Claims.Match(name)
		m.Claims.HasSyntax(name)
		if m.Validate() != nil {
			return
		}
		for _, file := range m.Files {
			if p := "/" + file.Path + "/"; strings.Contains(p, "/../") || strings.Contains(p, "//") {
				t.Errorf("path %q is valid", file.Path)
			}
		}
		text, err := manifest.Format(m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := manifest.Parse(text); err != nil {
			t.Errorf("%v in %s", err, text)
		}
	})
}

func ExampleParse() {
	_, err := manifest.Parse([]byte(`{"schema": 1, "id": "mine", "claim": {}}`))
	fmt.Println(err)
	// Output: line 1: unknown key "claim": a typing error, or the plugin is for a newer zlayer
}
