// SPDX-License-Identifier: Apache-2.0

//go:build system

package main

import (
	"bytes"
	"go/format"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/conformance"
	"github.com/zlayer/zlayer/conformance/suite"
)

// maxPage is how many lines a page of sdk/docs has at most.
const maxPage = 60

// TestPages does what the pages about writing a plugin say: the code in each
// builds, and keeps to the specification as far as a few cases tell.
func TestPages(t *testing.T) {
	root := repository(t)
	t.Setenv("PATH", filepath.Join(root, "bin")+":"+os.Getenv("PATH"))
	for page, cases := range map[string][]string{
		"frontend":          {"contract", "frontend/protocol-*", "frontend/rule-*", "frontend/pure-*", "frontend/hostile-random"},
		"container-backend": {"contract", "container/base-unchanged", "container/scratch-metadata", "life/handshake", "life/describe"},
		"wasm-backend":      {"contract", "wasm/go-hello", "wasm/go-no-toolchain", "life/handshake", "life/describe"},
	} {
		t.Run(page, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(root, "sdk", "docs", page+".md"))
			if err != nil {
				t.Fatal(err)
			}
			if n := bytes.Count(text, []byte("\n")); n > maxPage {
				t.Errorf("the page has %d lines", n)
			}
			conformsTo(t, follow(t, root, string(text)), cases)
		})
	}
}

// follow does what a page says and returns the folder of the plugin.
func follow(t *testing.T, root, page string) string {
	t.Helper()
	dir := t.TempDir()
	code := []byte(block(t, page, "go"))
	if formatted, err := format.Source(code); err != nil || !bytes.Equal(formatted, code) {
		t.Errorf("main.go is not formatted: %v", err)
	}
	mod := "module me.example/plugin\n\ngo 1.26.0\n\nrequire github.com/zlayer/zlayer/sdk v0.0.0\n\nreplace github.com/zlayer/zlayer/sdk => " +
		filepath.Join(root, "sdk") + "\n"
	for name, text := range map[string][]byte{"go.mod": []byte(mod), "main.go": code, "zlayer-plugin.json": []byte(block(t, page, "json"))} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	command(t, dir, "go", "mod", "tidy")
	script, plugin, ok := strings.Cut(strings.TrimSpace(block(t, page, "sh")), " && zlayer conformance ")
	if !ok {
		t.Fatal("the page does not run the suite in the end")
	}
	command(t, dir, "sh", "-ec", script)
	return filepath.Join(dir, plugin)
}

// block is the one block of a page that is in a language.
func block(t *testing.T, page, language string) string {
	t.Helper()
	found := regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(page, -1)
	if len(found) != 1 {
		t.Fatalf("the page has %d blocks of %s", len(found), language)
	}
	return found[0][1]
}

// conformsTo runs some cases on a plugin, all of which pass.
func conformsTo(t *testing.T, plugin string, cases []string) {
	t.Helper()
	match, err := suite.Match(cases...)
	if err != nil {
		t.Fatal(err)
	}
	for _, pattern := range cases {
		if !fitsOne(t, plugin, pattern) {
			t.Errorf("no case is called %s", pattern)
		}
	}
	conforms(t, conformance.Options{
		Plugin: plugin, Bundle: filepath.Join(repository(t), "bin", "plugins"), Environ: os.Environ(), Suite: suite.Options{Match: match},
	})
}

// fitsOne reports whether the plugin has a case that a pattern fits.
func fitsOne(t *testing.T, plugin, pattern string) bool {
	t.Helper()
	match, err := suite.Match(pattern)
	if err != nil {
		t.Fatal(err)
	}
	list, err := conformance.List(conformance.Options{Plugin: plugin, Bundle: filepath.Join(repository(t), "bin", "plugins")})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		if match(c.Name) {
			return true
		}
	}
	return false
}
