// SPDX-License-Identifier: Apache-2.0

package frontend

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/conformance/internal/engine"
	"github.com/zlayer/zlayer/conformance/internal/target"
	"github.com/zlayer/zlayer/conformance/suite"
	"github.com/zlayer/zlayer/conformance/vectors"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/frontend"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// TestMain is also the main function of a frontend: "test frontend FAULT".
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "frontend" {
		frontend.Main(&small{fault: os.Args[2]})
	}
	os.Exit(m.Run())
}

// small is a frontend of a language without a word: an error for each line that
// is not empty, but not for more than a hundred.
type small struct {
	fault string
	asked int
}

func (s *small) Parse(r *frontendv1.ParseRequest) *frontendv1.ParseResponse {
	s.asked++
	m := diag.NewMapper(r.GetContent())
	res := &frontendv1.ParseResponse{Diagnostics: []*diagv1.Diagnostic{diag.Warning(nil, "small", "a small language")}}
	for line := 1; line <= m.Lines() && len(res.Diagnostics) < 100; line++ {
		if text := m.Line(line); len(text) > 0 || line == 1 {
			start := m.Offset(line, 1)
			res.Diagnostics = append(res.Diagnostics, diag.Error(m.Range(start, start+len(text)), "unknown-line", "nobody knows this"))
		}
	}
	last := res.Diagnostics[len(res.Diagnostics)-1]
	switch s.fault {
	case "code":
		last.Code = "unknown_line"
	case "columns":
		last.Range.ColumnUtf16++
	case "order":
		slices.Reverse(res.Diagnostics)
	case "remembers":
		last.Message += strconv.Itoa(s.asked)
	case "tokens":
		res.Tokens = []*frontendv1.Token{{Kind: 1, Range: m.Range(0, 0)}}
	case "silent":
		res.Diagnostics = nil
	case "panic":
		if strings.Contains(string(r.GetContent()), "\xff") {
			panic("what is this?")
		}
	case "needs":
		res.Needs = []*frontendv1.Need{{Kind: 1, Paths: []string{"../x"}}}
	}
	return res
}

// run runs the section on small.
func run(t *testing.T, fault string) []suite.Result {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	tt := &target.Target{
		Manifest: &manifest.Manifest{Claims: &manifest.Claims{Files: []string{"Small.*"}}},
		Main:     program, Work: t.TempDir(), Engine: []string{"{module}", "frontend", fault},
	}
	cases, done, err := Cases(tt)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	return suite.Run(t.Context(), cases, suite.Options{Parallel: 2, Match: func(name string) bool {
		return !strings.Contains(name, "budget") && !strings.Contains(name, "signs")
	}})
}

func TestCasesPass(t *testing.T) {
	results := run(t, "none")
	if len(results) < 60 {
		t.Errorf("%d cases", len(results))
	}
	for _, r := range results {
		if r.Status != suite.Passed {
			t.Errorf("%s is %s: %s %v", r.Name, r.Status, r.Why, r.Problems)
		}
	}
}

// What is wrong with every answer is one failure, and the right one.
func TestCasesFindFaults(t *testing.T) {
	for fault, want := range map[string]string{
		"code": "rule-diagnostics-whole", "columns": "rule-columns-agree", "order": "rule-diagnostics-in-order", "remembers": "pure-asked-again",
		"tokens": "rule-tokens-in-order", "silent": "rule-build-or-error", "panic": "rule-answered", "needs": "rule-needs-clean",
	} {
		t.Run(fault, func(t *testing.T) {
			results := run(t, fault)
			i := slices.IndexFunc(results, func(r suite.Result) bool { return r.Status == suite.Failed })
			if i < 0 {
				t.Fatal("nothing failed")
			}
			if results[i].Name != section+want {
				t.Errorf("%s failed first: %v", results[i].Name, results[i].Problems)
			}
			if before := len(results[i].Problems); before > maxFound {
				t.Errorf("%d problems", before)
			}
		})
	}
}

func TestClaimed(t *testing.T) {
	for want, files := range map[string][]string{"Dockerfile": {"*.x", "Dockerfile"}, "x.small": {"*.small"}, "Buildfile": nil} {
		if got := claimed(&manifest.Claims{Files: files}); got != want {
			t.Errorf("%q: %q", files, got)
		}
	}
}

func TestReply(t *testing.T) {
	files := map[string][]byte{"a/b/c.go": []byte("c"), "a/d.go": []byte("d"), "e": nil}
	for _, tt := range []struct {
		kind  frontendv1.NeedKind
		paths []string
		want  *frontendv1.File
	}{
		{1, []string{"a/d.go"}, &frontendv1.File{Path: "a/d.go", Content: []byte("d")}},
		{1, []string{"x"}, &frontendv1.File{Path: "x", Absent: true}},
		{2, []string{"x", "e", "a/d.go"}, &frontendv1.File{Path: "e"}},
		{3, []string{"."}, &frontendv1.File{Path: ".", Entries: []string{"a", "e"}}},
		{3, []string{"a"}, &frontendv1.File{Path: "a", Entries: []string{"b", "d.go"}}},
		{3, []string{"e/f"}, &frontendv1.File{Path: "e/f", Absent: true}},
		{4, []string{"a/**"}, &frontendv1.File{Path: "a/**", Entries: []string{"a", "a/b", "a/b/c.go", "a/d.go"}}},
		{4, []string{"*/*.go"}, &frontendv1.File{Path: "*/*.go", Entries: []string{"a/d.go"}}},
	} {
		if got := reply(files, &frontendv1.Need{Kind: tt.kind, Paths: tt.paths}); !got.EqualVT(tt.want) {
			t.Errorf("%d %q: %v", tt.kind, tt.paths, got)
		}
	}
}

func TestFixed(t *testing.T) {
	src := []byte("é one\ntwo\n")
	m := diag.NewMapper(src)
	fix := func(start, end int, text string) *diagv1.Diagnostic {
		return &diagv1.Diagnostic{Fixes: []*diagv1.Fix{{Edits: []*diagv1.Edit{{Range: m.Range(start, end), NewText: text}}}}}
	}
	// The third one overlaps the first.
	got := fixed(src, []*diagv1.Diagnostic{fix(3, 6, "ONE"), fix(7, 7, "> "), fix(4, 5, "x"), {}})
	if got != "é ONE\n> two\n" {
		t.Errorf("%q", got)
	}
}

func TestDifference(t *testing.T) {
	for want, texts := range map[string][2]string{
		`x: line 2 is "c", want "b"`:  {"a\nb\n", "a\nc\n"},
		"x: line 2 is missing: b":     {"a\nb\n", "a\n"},
		"x: line 2 is one too many: ": {"a\n", "a\nb\n"},
	} {
		if got := difference("x", texts[0], texts[1]); !strings.HasPrefix(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// Mutations are the same on every machine.
func TestMutationsAreFixed(t *testing.T) {
	all, err := vectors.Frontends()
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.Open(nil, "")
	if err != nil {
		t.Fatal(err)
	}
	p := newPlugin(&target.Target{Manifest: &manifest.Manifest{Claims: &manifest.Claims{Files: []string{"Dockerfile"}}}}, e, all)
	defer p.done()
	one, two := p.mutations(200), p.mutations(300)
	for i := range one {
		if !one[i].EqualVT(two[i]) {
			t.Fatalf("mutation %d differs", i)
		}
	}
}
