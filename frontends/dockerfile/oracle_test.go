// SPDX-License-Identifier: Apache-2.0

package dockerfile

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	bkparser "github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
)

// BuildKit's parser is the oracle: these tests read the same files with it and
// compare what both make of them, below the meaning of instructions. Its own
// test files are found through the module cache.

// view is the concrete syntax of one instruction in a form both can be brought
// into: keyword in lower case, flags without quotes, arguments as Docker
// splits them for that instruction.
type view struct {
	Name     string
	Flags    []string
	Args     []string
	Heredocs []docView
	Start    int
	End      int
	Trigger  *view
}

type docView struct {
	Name          string
	Content       string
	Expand, Strip bool
	Fd            uint
}

// buildkitView reads src with BuildKit.
func buildkitView(src []byte) ([]view, rune, error) {
	res, err := bkparser.Parse(bytes.NewReader(src))
	if err != nil {
		return nil, 0, err
	}
	var list []view
	for _, n := range res.AST.Children {
		list = append(list, *viewNode(n))
	}
	return list, res.EscapeToken, nil
}

func viewNode(n *bkparser.Node) *view {
	v := &view{Name: lower(n.Value), Flags: append([]string(nil), n.Flags...), Start: n.StartLine, End: n.EndLine}
	for _, h := range n.Heredocs {
		v.Heredocs = append(v.Heredocs, docView{h.Name, h.Content, h.Expand, h.Chomp, h.FileDescriptor})
	}
	for a := n.Next; a != nil; a = a.Next {
		if len(a.Children) > 0 {
			v.Trigger = viewNode(a.Children[0])
			v.Trigger.Trigger = nil // refused by both
			continue
		}
		v.Args = append(v.Args, a.Value)
	}
	if lookup(v.Name) == nil {
		v.Args = nil // BuildKit does not look at the arguments of what it does not know
	}
	return v
}

// ourView reads src with the first two steps of our parser.
func ourView(src []byte) ([]view, rune) {
	p := newParser(&frontendv1.ParseRequest{Name: "Dockerfile", Content: src})
	p.directives()
	var list []view
	for {
		l := p.next()
		if l == nil {
			return list, rune(p.escape)
		}
		p.line = l
		in := split(l, 0, p.escape, 0)
		p.readBodies(in)
		v := p.viewInstruction(in)
		start, _, _ := p.mapper.Position(l.start)
		v.Start, v.End = start, 1+strings.Count(strings.TrimSuffix(p.src[:p.pos], "\n"), "\n")
		if p.pos == len(p.src) && strings.HasSuffix(p.src, "\n\n") {
			v.End = strings.Count(p.src, "\n")
		}
		list = append(list, *v)
	}
}

func (p *parser) viewInstruction(in *instruction) *view {
	v := &view{Name: lower(in.name.text), Args: p.viewArgs(in)}
	for _, f := range in.flags {
		v.Flags = append(v.Flags, f.text)
	}
	for _, h := range in.heredocs {
		v.Heredocs = append(v.Heredocs, docView{h.name, p.src[h.body.start:h.body.end], h.expand, h.strip, uint(h.fd)})
	}
	if in.trigger != nil {
		v.Trigger = p.viewInstruction(in.trigger)
		v.Trigger.Heredocs = nil // BuildKit has them outside
	}
	return v
}

func (p *parser) viewArgs(in *instruction) []string {
	text, rest := in.line.text, in.rest
	if in.spec == nil || rest.start == rest.end && in.json == notJSON {
		return nil
	}
	words := in.strings
	switch in.spec {
	case onbuild:
		return nil
	case healthcheck:
		words = []word{cut(text, rest.start, wordEnd(text, rest.start, rest.end))}
		if at := in.jsonRest(); in.json == jsonArray {
			words = append(words, in.strings...)
		} else if at.start < at.end {
			words = append(words, cut(text, at.start, at.end))
		}
	case env, label:
		pairs, _ := in.pairs(nil, nil, p.escape)
		var list []string
		for _, x := range pairs {
			list = append(list, x.name.text, x.value.text, strings.TrimSpace(string(rune(x.sep))))
		}
		return list
	case arg:
		words = quotedFields(nil, text, rest.start, rest.end, p.escape)
	case copyFile, add, volume, expose, from:
		if in.json == notJSON {
			words = fields(nil, text, rest.start, rest.end)
		}
	default:
		if in.json == notJSON {
			words = []word{cut(text, rest.start, rest.end)}
		}
	}
	return viewWords(words)
}

func viewWords(words []word) []string {
	var list []string
	for _, w := range words {
		list = append(list, w.text)
	}
	return list
}

// buildkitFiles returns the paths of BuildKit's test files.
func buildkitFiles(t *testing.T, pattern string, want int) []string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/moby/buildkit").Output()
	if err != nil {
		t.Fatalf("finding BuildKit in the module cache: %v", err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), "frontend/dockerfile/parser", pattern))
	if err != nil || len(files) != want {
		t.Fatalf("%s: %d files, want %d (%v)", pattern, len(files), want, err)
	}
	return files
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestOraclePositive(t *testing.T) {
	for _, file := range buildkitFiles(t, "testfiles/*/Dockerfile", 33) {
		t.Run(filepath.Base(filepath.Dir(file)), func(t *testing.T) {
			compareViews(t, read(t, file))
		})
	}
}

func compareViews(t *testing.T, src []byte) {
	t.Helper()
	want, wantEscape, err := buildkitView(src)
	if err != nil {
		t.Fatalf("BuildKit: %v", err)
	}
	got, escape := ourView(src)
	if escape != wantEscape {
		t.Errorf("escape character %q, want %q", escape, wantEscape)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("BuildKit -, we +:\n%s", d)
	}
}

func TestOracleNegative(t *testing.T) {
	for _, file := range buildkitFiles(t, "testfiles-negative/*/Dockerfile", 4) {
		t.Run(filepath.Base(filepath.Dir(file)), func(t *testing.T) {
			res := parse(string(read(t, file)))
			if !diag.HasErrors(res.Diagnostics) {
				t.Errorf("no error, but %v", lines(res.Diagnostics))
			}
		})
	}
}

func TestOracleLines(t *testing.T) {
	for _, file := range buildkitFiles(t, "testfile-line/Dockerfile", 1) {
		compareViews(t, read(t, file))
	}
}

// parse parses with tokens.
func parse(src string) *frontendv1.ParseResponse {
	return Parse(&frontendv1.ParseRequest{Name: "Dockerfile", Content: []byte(src), Tokens: true})
}

// lines returns diagnostics as the goldens hold them.
func lines(ds []*diagv1.Diagnostic) []string {
	list := make([]string, len(ds))
	for i, d := range ds {
		list[i] = diag.Line("Dockerfile", d)
	}
	return list
}

func TestOracleSyntaxDetection(t *testing.T) {
	for i, src := range []string{
		"# syntax=docker/dockerfile:1\nFROM x", "#syntax = a b\n", "// syntax=foo/bar\n", `{"syntax": "a/b c"}`,
		`{"x":[1,{"syntax":"no"}],"syntax":"yes"}`, `{"syntax":1}`, `{"syntax":"a","syntax":2}`, "\xef\xbb\xbf# SYNTAX=z\n",
		"#!/bin/sh\n# syntax=after\n", "\n# syntax=no\n", "# hello\n# syntax=no", "# escape=`\n# syntax=two", "FROM x\n# syntax=no",
		"# syntax=\n", "# syntax=a\n# syntax=b", "", "{", "// check=skip=all\n// syntax=c\n", "# check=a\n// syntax=c\n", `{} x`, `{"syntax":"a"}x`,
	} {
		want, _, _, wantOK := bkparser.DetectSyntax([]byte(src))
		got, ok := DetectSyntax([]byte(src))
		if got != want || ok != wantOK {
			t.Errorf("%d: %q: %q, %v; BuildKit %q, %v", i, src, got, ok, want, wantOK)
		}
	}
}

func TestOracleJSON(t *testing.T) {
	for _, src := range []string{
		`[]`, `[ ]`, `[""]`, `["a"]`, `["a","b"]`, ` [ "a" , "b" ] `, `["a",]`, `[,]`, `["a" "b"]`, `['a']`, `["a"] x`, `[`, `["a`, `["a"`,
		`["\u00e9\ud83d\ude00\ud800\udc00\ud800x\ud800\u0041\b\f\n\r\t\/\\\""]`, `["\x"]`, `["\u12"]`, `["a",1]`, `[1]`, `[01]`, `[-0.5e+3,"a"]`, `[1.]`,
		`[true,false,null]`, `[tru]`, `[{}]`, `[{"a":[1,{"b":null}]}]`, `[{"a"}]`, `[{"a":1,}]`, `[[[["a"]]]]`, `[[]`, "[\"\t\"]", "[\"a\tb\"]",
		strings.Repeat("[", 9999) + strings.Repeat("]", 9999), `["é","日本"]`, `[-]`, `["a":1]`,
	} {
		df := "CMD " + src
		want, _, err := buildkitView([]byte(df))
		in := split(&line{text: df, pieces: []piece{{0, 0}}}, 0, '\\', 0)
		if (err != nil) != (in.json == jsonOther) {
			t.Errorf("%.60s: form %d, BuildKit: %v", src, in.json, err)
		}
		if err != nil {
			continue
		}
		if got, _ := ourView([]byte(df)); !cmp.Equal(want, got) {
			t.Errorf("%.60s: %s", src, cmp.Diff(want, got))
		}
	}
}
