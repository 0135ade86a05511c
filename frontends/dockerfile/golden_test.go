// SPDX-License-Identifier: Apache-2.0

package dockerfile

import (
	goflag "flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

var update = goflag.Bool("update", false, "rewrite the goldens")

// golden is one file under testdata: a comment, the Dockerfile, and what is
// wanted of it.
type golden struct {
	file    string
	archive *txtar.Archive
	src     string
}

func goldens(t testing.TB) []golden {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no goldens: %v", err)
	}
	var list []golden
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, golden{file, a, unescapeGolden(section(a, "Dockerfile"))})
	}
	return list
}

// unescapeGolden lets a golden hold what txtar and editors would lose: "␍" is
// a carriage return, "␀" a NUL byte, "␂" a byte order mark, and "␄" at the end
// takes away the last line end.
func unescapeGolden(s string) string {
	s = strings.NewReplacer("␍", "\r", "␀", "\x00", "␂", "\xef\xbb\xbf", "␄\n", "").Replace(s)
	return s
}

func section(a *txtar.Archive, name string) string {
	for _, f := range a.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

func TestGoldens(t *testing.T) {
	for _, g := range goldens(t) {
		t.Run(strings.TrimSuffix(filepath.Base(g.file), ".txtar"), func(t *testing.T) {
			g.check(t, parse(g.src))
		})
	}
}

// check compares every section that the golden has, or rewrites it.
func (g golden) check(t *testing.T, res *frontendv1.ParseResponse) {
	got := map[string]string{
		"want.ir.txt":      ir.Text(res.Build),
		"want.ranges.txt":  ir.TextWithRanges(res.Build),
		"want.diag.txt":    strings.Join(append(lines(res.Diagnostics), ""), "\n"),
		"want.help.txt":    helpText(res.Diagnostics),
		"want.tokens.txt":  tokenText(g.src, res.Tokens),
		"want.symbols.txt": symbolText(res.Symbols),
	}
	for i, f := range g.archive.Files {
		text, ok := got[f.Name]
		switch {
		case !ok && f.Name != "Dockerfile":
			t.Errorf("unknown section %q", f.Name)
		case ok && *update:
			g.archive.Files[i].Data = []byte(text)
		case ok && text != string(f.Data):
			t.Errorf("%s:\n%s\nwant:\n%s", f.Name, text, f.Data)
		}
	}
	if *update {
		if err := os.WriteFile(g.file, txtar.Format(g.archive), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// tokenText lists tokens: place, kind, text.
func tokenText(src string, tokens []*frontendv1.Token) string {
	var b strings.Builder
	m := diag.NewMapper([]byte(src))
	for _, k := range tokens {
		r := k.Range
		text := src[m.Offset(int(r.Line), int(r.Column)):m.Offset(int(r.EndLine), int(r.EndColumn))]
		kind := lower(strings.TrimPrefix(k.Kind.String(), "TOKEN_KIND_"))
		b.WriteString(diag.Span(r) + " " + kind + " " + strconv.Quote(text) + "\n")
	}
	return b.String()
}

// symbolText lists symbols: kind, name, definition, references.
func symbolText(symbols []*frontendv1.Symbol) string {
	var b strings.Builder
	for _, s := range symbols {
		b.WriteString(lower(strings.TrimPrefix(s.Kind.String(), "SYMBOL_KIND_")) + " " + s.Name)
		if s.Definition != nil {
			b.WriteString(" defined " + diag.Span(s.Definition))
		}
		for _, r := range s.References {
			b.WriteString(" " + diag.Span(r))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// helpText lists what diagnostics say besides their message.
func helpText(ds []*diagv1.Diagnostic) string {
	var b strings.Builder
	for _, d := range ds {
		b.WriteString(diag.Span(d.Range) + " " + d.Code + "\n")
		if d.Help != "" {
			b.WriteString("  help: " + d.Help + "\n")
		}
		for _, r := range d.Related {
			b.WriteString("  related: " + diag.Span(r.Range) + " " + r.Message + "\n")
		}
		for _, f := range d.Fixes {
			b.WriteString("  fix: " + f.Title + "\n")
			for _, e := range f.Edits {
				b.WriteString("    " + diag.Span(e.Range) + " " + strconv.Quote(e.NewText) + "\n")
			}
		}
	}
	return b.String()
}
