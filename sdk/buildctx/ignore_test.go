// SPDX-License-Identifier: Apache-2.0

package buildctx_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"

	"github.com/zlayer/zlayer/sdk/buildctx"
)

// oracle decides as Docker's builder does when it walks a context: from the
// top down, each folder's results handed to what it holds.
func oracle(t testing.TB, patterns []string, name string) bool {
	t.Helper()
	pm, err := patternmatcher.New(patterns)
	if err != nil {
		t.Fatal(err)
	}
	var hidden bool
	var above patternmatcher.MatchInfo
	parts := strings.Split(name, "/")
	for i := range parts {
		hidden, above, err = pm.MatchesUsingParentResults(strings.Join(parts[:i+1], "/"), above)
		if err != nil {
			t.Fatal(err)
		}
	}
	return hidden
}

func TestParseIgnoreEqualsDocker(t *testing.T) {
	texts := []string{
		"", "\n\n", "# only a comment\n", "  # not a comment\n", "a\r\nb\r\n", "\uFEFFa\nb", "\uFEFF# c\na",
		"/a\n//b\n./c\na/../d\ne/\n", "!a\n! b\n!/c\n! /d\n", "  a  \n\tb\t\n", "a b\n", `\#a` + "\n" + `\!b`,
		"**\n**/a\na/**\n!**/b\n", ".\n..\n../a\n/\n", "!!a\n", "a\n#x\n!b\n\n*.go", "*\n!.\n",
	}
	for _, text := range texts {
		want, err := ignorefile.ReadAll(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		g, err := buildctx.ParseIgnore(".dockerignore", []byte(text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := g.Patterns(); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestParseIgnoreErrors(t *testing.T) {
	tests := map[string]string{
		"a\x00\n":      `.dockerignore:1 ("a\x00"): the pattern holds a NUL byte; save the file as UTF-8`,
		"a\n!\n":       `.dockerignore:2 ("!"): "!" needs a pattern after it`,
		"!  \n":        `.dockerignore:1 ("!"): "!" needs a pattern after it`,
		"!/\n":         `.dockerignore:1 ("!/"): "!" needs a pattern after it`,
		"# c\n\na[":    `.dockerignore:3 ("a["): the pattern is malformed`,
		"[z-a]":        `.dockerignore:1 ("[z-a]"): the pattern is malformed`,
		"a\\\nb":       `.dockerignore:1 ("a\\"): the pattern is malformed`,
		"x\n\\8*\ny\n": `.dockerignore:2 ("\\8*"): the pattern is malformed`,
	}
	for text, want := range tests {
		_, err := buildctx.ParseIgnore(".dockerignore", []byte(text))
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: got %v, want %s…", text, err, want)
		}
	}
}

func TestExcluded(t *testing.T) {
	tests := []struct {
		text string
		name string
		line int // of the rule; 0: the path is kept
	}{
		{"*.md\n!README.md\n", "a.md", 1},
		{"*.md\n!README.md\n", "README.md", 0},
		{"*.md\n!README.md\n", "sub/a.md", 0},
		{"**/*.md\n", "sub/deep/a.md", 1},
		{"\n# c\nnode_modules\n", "node_modules/a/b.js", 3},
		{"*\n!src\nsrc/*.o\n", "src/a.o", 3},
		{"*\n!src\nsrc/*.o\n", "src/a.c", 0},
		{"*\n!src\nsrc/*.o\n", "Makefile", 1},
		{"a/b\n!a\n", "a/b", 1},
		{"/abs\n", "abs", 1},
		{"abs\n", "/abs/../abs/x", 1},
		{"secret\n", "secret\nkey", 0},
		{"secret*\n", "secret\nkey", 1},
		{"\xff*\n", "\xfe", 1},
		{"\xff\n", "\xff", 1},
		{"\xff\n", "\xfe", 0},
		{"**", ".", 0},
		{`\#a`, "#a", 1},
		{"a[b]c", "abc", 1},
		{"a / /", "a ", 1},
		{"a / /", "a", 0},
	}
	for _, tt := range tests {
		g, err := buildctx.ParseIgnore(".dockerignore", []byte(tt.text))
		if err != nil {
			t.Fatal(err)
		}
		rule, hidden := g.Excluded(tt.name)
		if hidden != (tt.line != 0) || rule.Line != tt.line {
			t.Errorf("%q, %q: got %v %v, want line %d", tt.text, tt.name, rule, hidden, tt.line)
		}
	}
	if _, hidden := (*buildctx.Ignore)(nil).Excluded("a"); hidden {
		t.Error("a nil Ignore hides a path")
	}
}

// TestExcludedEqualsDocker compares random rules and paths, made of few pieces
// so that they often meet.
func TestExcludedEqualsDocker(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	hits := 0
	for range 30_000 {
		patterns := make([]string, 1+rng.IntN(4))
		for i := range patterns {
			patterns[i] = randomPattern(rng)
		}
		g, err := buildctx.NewIgnore(patterns)
		if err != nil {
			t.Fatalf("%q: %v", patterns, err)
		}
		for range 4 {
			name := randomPath(rng)
			_, got := g.Excluded(name)
			want := oracle(t, g.Patterns(), name)
			if got != want {
				t.Fatalf("%q: path %q: hidden %v, Docker says %v", g.Patterns(), name, got, want)
			}
			if want {
				hits++
			}
		}
	}
	if hits < 10_000 {
		t.Errorf("only %d paths were hidden; the test has lost its force", hits)
	}
}

func pick(rng *rand.Rand, from ...string) string { return from[rng.IntN(len(from))] }

func randomPattern(rng *rand.Rand) string {
	var b strings.Builder
	b.WriteString(pick(rng, "", "", "!"))
	for range 1 + rng.IntN(6) {
		b.WriteString(pick(rng, "a", "b", "ab", "/", "/", "*", "**", "**/", "?", ".", "é", "[ab]", "[^a]", `\a`, `\*`, "^", "$", "+", "|"))
	}
	p := path.Clean(b.String())
	if p == "!" || strings.HasPrefix(p, "!/") {
		return "!a"
	}
	return p
}

func randomPath(rng *rand.Rand) string {
	var b strings.Builder
	for range 1 + rng.IntN(7) {
		b.WriteString(pick(rng, "a", "b", "ab", "/", "/", ".", "é", "\xff", "\n", "*", "^"))
	}
	p := path.Clean("/" + b.String())
	if p == "/" {
		return "a"
	}
	return p[1:]
}

func FuzzParseIgnore(f *testing.F) {
	for _, s := range []string{"*\n!a/b", "**/x\n", "a[b-c]\\d", "\uFEFF#x\r\n!y", "**a**b**", "@ / /", "/./ x"} {
		f.Add([]byte(s), "a/b/c")
	}
	f.Fuzz(func(t *testing.T, text []byte, name string) {
		g, err := buildctx.ParseIgnore("f", text)
		if err != nil {
			return
		}
		rule, hidden := g.Excluded(name)
		if hidden && (rule.Negated || rule.Line < 1 || rule.File != "f") {
			t.Fatalf("%+v hides %q", rule, name)
		}
		again, err := buildctx.NewIgnore(g.Patterns())
		if err != nil {
			t.Fatalf("patterns %q: %v", g.Patterns(), err)
		}
		if _, h := again.Excluded(name); h != hidden {
			t.Fatalf("patterns %q decide otherwise about %q", g.Patterns(), name)
		}
	})
}

// FuzzIgnoreEqualsDocker compares all that we accept with Docker's packages.
func FuzzIgnoreEqualsDocker(f *testing.F) {
	for _, s := range []string{"*\n!a/b", "**/x\n", "a[b-c]\\d", "\uFEFF#x\r\n!y", "**a**b**", "a/b\n!a\n", "!!a\n\\!b", ".\n../x\n/"} {
		f.Add([]byte(s), "a/b/c")
	}
	f.Fuzz(func(t *testing.T, text []byte, name string) {
		g, err := buildctx.ParseIgnore("f", text)
		if err != nil || !utf8.Valid(text) || len(text) > 1<<10 || len(name) > 1<<10 {
			return // Docker reads no line of 64 KiB, and writes about what is not UTF-8 to stderr
		}
		patterns, err := ignorefile.ReadAll(bytes.NewReader(text))
		if err != nil {
			t.Fatalf("Docker refuses %q: %v", text, err)
		}
		again, err := buildctx.NewIgnore(patterns)
		if err != nil || !slices.Equal(g.Patterns(), again.Patterns()) {
			t.Fatalf("%q: got %q, want %q (%v)", text, g.Patterns(), patterns, err)
		}
		if name = path.Clean("/" + name)[1:]; name == "" {
			return
		}
		if _, got := g.Excluded(name); got != oracle(t, patterns, name) {
			t.Fatalf("%q: path %q: hidden %v, Docker says %v", patterns, name, got, !got)
		}
	})
}

func BenchmarkExcluded(b *testing.B) {
	patterns := []string{".git", "**/node_modules", "*.log", "**/*.tmp", "docs/**", "!docs/keep.md", "build/*/out", "vendor/**/testdata"}
	g, err := buildctx.NewIgnore(patterns)
	if err != nil {
		b.Fatal(err)
	}
	name := "internal/server/handlers/requests_test.go"
	b.Run("ours", func(b *testing.B) {
		for b.Loop() {
			g.Excluded(name)
		}
	})
	pm, err := patternmatcher.New(patterns)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("moby", func(b *testing.B) {
		for b.Loop() {
			if _, err := pm.MatchesOrParentMatches(name); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func ExampleIgnore_Excluded() {
	g, err := buildctx.ParseIgnore(".dockerignore", []byte("# editors\n*.swp\n\nnode_modules\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	rule, hidden := g.Excluded("node_modules/left-pad/index.js")
	fmt.Println(hidden, rule)
	// Output: true .dockerignore:4 ("node_modules")
}
