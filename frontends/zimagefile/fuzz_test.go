// SPDX-License-Identifier: Apache-2.0

package zimagefile_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/zlayer/zlayer/frontends/zimagefile"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

// FuzzParse: whatever the bytes are, Parse ends, says the same twice, points
// into the file, and without errors returns a build that is complete.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(a.Files[0].Data)
	}
	f.Add([]byte("\uFEFFbase: a\r\n"))
	f.Add([]byte("a: &a [*a, \u2028 'x']\x85"))
	f.Add([]byte("base: ${${${a:-${b"))
	f.Add([]byte("#\u2028''"))
	f.Fuzz(func(t *testing.T, src []byte) {
		res := parse(string(src))
		check(t, src, res)
		again, err := parse(string(src)).MarshalVT()
		if err != nil {
			t.Fatal(err)
		}
		if first, err := res.MarshalVT(); err != nil || string(first) != string(again) {
			t.Fatal("two parses differ")
		}
	})
}

func check(t *testing.T, src []byte, res *frontendv1.ParseResponse) {
	t.Helper()
	m := diag.NewMapper(src)
	inside := func(what string, r *diagv1.Range) {
		t.Helper()
		start, end := m.Offset(int(r.Line), int(r.Column)), m.Offset(int(r.EndLine), int(r.EndColumn))
		if !m.Range(start, end).EqualVT(r) || end < start {
			t.Fatalf("%s: %v is not a range of the file", what, r)
		}
	}
	for _, d := range res.Diagnostics {
		inside(d.Message, d.Range)
		for _, r := range d.Related {
			inside(d.Message, r.Range)
		}
		for _, fix := range d.Fixes {
			inside(fix.Title, fix.Edits[0].Range)
		}
		if d.Code == "" || d.Message == "" || strings.ContainsAny(d.Message, "\n\x00") {
			t.Fatalf("bad diagnostic %v", d)
		}
	}
	end := 0
	for _, tok := range res.Tokens {
		inside("token", tok.Range)
		start := m.Offset(int(tok.Range.Line), int(tok.Range.Column))
		if start < end {
			t.Fatalf("token %v overlaps the one before", tok)
		}
		end = m.Offset(int(tok.Range.EndLine), int(tok.Range.EndColumn))
	}
	if diag.HasErrors(res.Diagnostics) {
		return
	}
	if res.Build == nil || res.Build.Open() != "" {
		t.Fatalf("no errors and no complete build: %v", res.Build.Open())
	}
	if err := ir.Text(res.Build); err == "" {
		t.Fatal("an empty build")
	}
}

// TestFixesRepair applies every fix of every golden: the diagnostic goes.
func TestFixesRepair(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	fixes := 0
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		src := string(a.Files[0].Data)
		m := diag.NewMapper([]byte(src))
		for _, d := range parse(src).Diagnostics {
			for _, fix := range d.Fixes {
				fixes++
				e := fix.Edits[0]
				start, end := m.Offset(int(e.Range.Line), int(e.Range.Column)), m.Offset(int(e.Range.EndLine), int(e.Range.EndColumn))
				for _, left := range parse(src[:start] + e.NewText + src[end:]).Diagnostics {
					if left.Range.Line == d.Range.Line && left.Range.Column == d.Range.Column && left.Message == d.Message {
						t.Errorf("%s: after %q there is still: %s", file, fix.Title, d.Message)
					}
				}
			}
		}
	}
	if fixes < 10 {
		t.Errorf("only %d fixes", fixes)
	}
}

// TestTokensAndSymbols shows what an editor gets.
func TestTokensAndSymbols(t *testing.T) {
	src := "# top\nargs: {V: 1}\nstages:\n  a: {base: \"x:$V\"} # end\n  b:\n    base: a\n    steps: [{copy: /p, from: a, to: '/${V:-$V}'}]\n"
	res := parse(src)
	m := diag.NewMapper([]byte(src))
	text := func(r *diagv1.Range) string {
		if r == nil {
			return "-"
		}
		return src[m.Offset(int(r.Line), int(r.Column)):m.Offset(int(r.EndLine), int(r.EndColumn))]
	}
	var tokens []string
	for _, tok := range res.Tokens {
		kind := strings.ToLower(strings.TrimPrefix(tok.Kind.String(), "TOKEN_KIND_"))
		tokens = append(tokens, kind[:3]+" "+text(tok.Range))
	}
	want := "com # top|key args|key V|num 1|key stages|key a|key base|str \"x:|var $V|str \"|com # end|key b|key base|str a|key steps|key copy|str /p|key from|str a|key to|str '/|var ${V:-$V}|str '"
	if got := strings.Join(tokens, "|"); got != want {
		t.Errorf("tokens\n got %s\nwant %s", got, want)
	}
	var symbols []string
	for _, s := range res.Symbols {
		line := s.Name + "=" + text(s.Definition)
		for _, r := range s.References {
			line += " " + diag.Span(r)
		}
		symbols = append(symbols, line)
	}
	want = "a=a 6:11-6:12 7:30-7:31|b=b|V=V 4:17-4:18 7:41-7:42"
	if got := strings.Join(symbols, "|"); got != want {
		t.Errorf("symbols\n got %s\nwant %s", got, want)
	}
}

// TestLong: one clear answer to a very long line, text or not.
func TestLong(t *testing.T) {
	long := strings.Repeat("x", 10<<20)
	for name, src := range map[string]string{
		"bare":   long,
		"value":  "base: alpine\nuser: [" + long,
		"key":    "base: alpine\n" + long + ": y\n",
		"binary": "\x7fELF\x02" + long,
	} {
		res := parse(src)
		if len(res.Diagnostics) != 1 {
			t.Errorf("%s: %d diagnostics", name, len(res.Diagnostics))
		}
		for _, d := range res.Diagnostics {
			if len(d.Message)+len(d.Help) > 500 || d.Range.GetLine() == 0 {
				t.Errorf("%s: %s", name, diag.Line("f", d))
			}
		}
	}
	if res := parse("base: alpine\nsteps: [{run: " + long + "}]\n"); len(res.Diagnostics) != 0 {
		t.Errorf("a long command: %s", lines(res))
	}
}

// TestAliasBomb: aliases cannot make a small file a huge build.
func TestAliasBomb(t *testing.T) {
	src := "base: scratch\nenv: &e {A: &t " + strings.Repeat("x", 1<<20) + "}\nsteps: [" + strings.Repeat("{env: *e},", 1000) + "]\n"
	if res := parse(src); len(res.Diagnostics) != 1 || res.Diagnostics[0].Code != "bad-alias" {
		t.Errorf("got %s", lines(res))
	}
	small := "base: scratch\nenv: &e {A: b}\nsteps: [" + strings.Repeat("{env: *e},", 100) + "]\n"
	if res := parse(small); len(res.Diagnostics) != 0 {
		t.Errorf("harmless aliases: %s", lines(res))
	}
}

// TestManyProblems: a file gets a bounded number of diagnostics.
func TestManyProblems(t *testing.T) {
	res := parse("base: alpine\nsteps:\n" + strings.Repeat("  - {}\n", 5000))
	if n := len(res.Diagnostics); n != 201 || res.Diagnostics[200].Code != "too-many-problems" {
		t.Errorf("%d diagnostics", n)
	}
}

func BenchmarkParse(b *testing.B) {
	a, err := txtar.ParseFile("testdata/single-all.txtar")
	if err != nil {
		b.Fatal(err)
	}
	req := &frontendv1.ParseRequest{Name: "ZImagefile", Content: a.Files[0].Data}
	b.SetBytes(int64(len(req.Content)))
	for b.Loop() {
		zimagefile.Parse(req)
	}
}
