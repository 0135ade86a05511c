// SPDX-License-Identifier: Apache-2.0

package dockerfile

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// seeds are odd pieces of Dockerfile; the goldens are seeds too.
var seeds = []string{
	"", "\n", "#", "FROM", "FROM x\n\\", "\\\n", "\\\n\\\n#x\n", "FROM x\nRUN <<", "FROM x\nRUN <<A <<B\nA\n", "FROM x\nCOPY <<A\nA\n",
	"FROM x\nONBUILD ONBUILD RUN x", "FROM x\nONBUILD", "FROM x\nONBUILD FRUM y", "FROM x\nENV a=\"${b:-'c", "FROM x\nENV ${a=1", "FROM x\nENV =\nARG =",
	"FROM x\nRUN --mount=type=\"cache,target=/x\n", "FROM x\nRUN --mount=\\\",\\\"=x,type=,=,,=\" y", "FROM x\nRUN --\nRUN ---\nRUN --=\nRUN -",
	"FROM x\r\n\r\nRUN a \\\r\n\r\n # c\r\n b\r\n", "\xef\xbb\xbf\xef\xbb\xbfFROM x", "FROM \xff\n", "# \xff\nFROM x\nRUN <<A\n\xff\nA\n", "\x00", "\xff\xfeF\x00",
	"FROM 日本 AS é😀\nENV 😀=${😀} \\\n é=\"😀\nRUN 😀 $😀 [\"😀\"", "# escape=`\nFROM x\nRUN a ``\nENV a=b`", "# escape=x\n# escape=`\nFROM x",
	"#!/x\n# escape=`\nFROM x\n# syntax=y", "{\"syntax\":\"x\"}", "// syntax=x\nFROM y", "# check=skip=all;error=true;x\nFROM X", "RU\\\nN x\nFR\\\nOM y A\\\nS z\nCO\\\nPY --fr\\\nom=z a b",
	"FROM x\nEXPOSE a 1- 70000 1:2:3 $x/UDP 80/TCP", "FROM x\nHEALTHCHECK --interval=1 CMD [\"a\"", "FROM x\nADD --checksum=$a b c\nADD --checksum=sha256:x http://a b",
	"FROM x\nCOPY [\"\\u0000$a\", \"b\"]", "FROM x\nCMD [\n", "FROM x\nCMD [\"\\ud83d\\ude00\", \"\\u00", "FROM x\n RUN\u00a0a\n\u2003RUN b\u3000",
}

func FuzzParse(f *testing.F) {
	for _, s := range append(seeds, validDockerfiles...) {
		f.Add([]byte(s))
	}
	for _, file := range goldens(f) {
		f.Add([]byte(file.src))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		req := &frontendv1.ParseRequest{Name: "Dockerfile", Content: src, Tokens: true}
		res := Parse(req)
		if again := Parse(req); !again.EqualVT(res) {
			t.Fatal("two answers to the same question")
		}
		plain := Parse(&frontendv1.ParseRequest{Name: "Dockerfile", Content: src})
		if !plain.GetBuild().EqualVT(res.GetBuild()) {
			t.Fatal("the build depends on whether tokens are asked for")
		}
		c := checker{t: t, src: src, mapper: diag.NewMapper(src)}
		c.response(res)
		if at := res.GetBuild().Open(); at != "" {
			t.Fatalf("build%s", at)
		}
	})
}

// checker checks all ranges of a response.
type checker struct {
	t      *testing.T
	src    []byte
	mapper *diag.Mapper
}

func (c *checker) response(res *frontendv1.ParseResponse) {
	for _, d := range res.Diagnostics {
		c.diagnostic(d)
	}
	for _, s := range res.Symbols {
		if s.Definition != nil {
			c.rng(s.Definition)
		}
		last := 0
		for _, r := range s.References {
			start, _ := c.rng(r)
			if start < last {
				c.t.Fatalf("references of %s are not in order", s.Name)
			}
			last = start
		}
	}
	end := 0
	for _, k := range res.Tokens {
		from, to := c.rng(k.Range)
		if from < end || to <= from {
			c.t.Fatalf("token %v at %s overlaps the one before or is empty", k.Kind, diag.Span(k.Range))
		}
		end = to
	}
	b, err := res.MarshalVT()
	if err != nil || !utf8.Valid([]byte(strings.Join(allTexts(res), ""))) {
		c.t.Fatalf("the response cannot be sent: %v", err)
	}
	back := &frontendv1.ParseResponse{}
	if err := back.UnmarshalVT(b); err != nil {
		c.t.Fatal(err)
	}
	for _, s := range res.GetBuild().GetContainer().GetStages() {
		c.stage(s)
	}
}

func (c *checker) diagnostic(d *diagv1.Diagnostic) {
	if d.Code == "" || d.Message == "" || strings.HasSuffix(d.Message, ".") {
		c.t.Fatalf("malformed diagnostic %v", d)
	}
	c.rng(d.Range)
	for _, r := range d.Related {
		c.rng(r.Range)
	}
	for _, fix := range d.Fixes {
		end := 0
		for _, e := range fix.Edits {
			from, to := c.rng(e.Range)
			if from < end {
				c.t.Fatalf("edits of %q overlap", fix.Title)
			}
			end = to
		}
	}
}

// rng checks a range against the source, and returns its offsets.
func (c *checker) rng(r *diagv1.Range) (start, end int) {
	start, end = c.mapper.Offset(int(r.Line), int(r.Column)), c.mapper.Offset(int(r.EndLine), int(r.EndColumn))
	for _, x := range []struct {
		at               int
		line, col, col16 uint32
	}{{start, r.Line, r.Column, r.ColumnUtf16}, {end, r.EndLine, r.EndColumn, r.EndColumnUtf16}} {
		line, column, _ := c.mapper.Position(x.at)
		if uint32(line) != x.line || uint32(column) != x.col {
			c.t.Fatalf("range %s is outside the file", diag.Span(r))
		}
		if before := string(c.src[x.at-column+1 : x.at]); utf8.ValidString(before) && len(utf16.Encode([]rune(before)))+1 != int(x.col16) {
			c.t.Fatalf("range %s: UTF-16 column %d after %q", diag.Span(r), x.col16, before)
		}
		if x.at < len(c.src) && utf8.Valid(c.src) && !utf8.RuneStart(c.src[x.at]) {
			c.t.Fatalf("range %s begins or ends inside a character", diag.Span(r))
		}
	}
	if start > end {
		c.t.Fatalf("range %s ends before it begins", diag.Span(r))
	}
	return start, end
}

// stage checks that steps and their words lie in order and inside.
func (c *checker) stage(s *irv1.Stage) {
	_, end := c.rng(s.Range)
	for _, step := range s.Steps {
		from, to := c.rng(step.Range)
		if from < end {
			c.t.Fatalf("step at %s begins before the one above ends", diag.Span(step.Range))
		}
		end = to
		for _, w := range stepWords(step) {
			wordFrom, wordTo := c.rng(w.Range)
			if wordFrom < from || wordTo > to {
				c.t.Fatalf("word %q at %s is outside its step", w.Text, diag.Span(w.Range))
			}
		}
	}
}

// stepWords returns words of a step that have ranges of their own.
func stepWords(s *irv1.Step) []*irv1.Word {
	var list []*irv1.Word
	pairs := func(ps []*irv1.Pair) {
		for _, p := range ps {
			if list = append(list, p.Key); p.Value != nil {
				list = append(list, p.Value)
			}
		}
	}
	switch op := s.Op.(type) {
	case *irv1.Step_Env:
		pairs(op.Env.Pairs)
	case *irv1.Step_Arg:
		pairs(op.Arg.Pairs)
	case *irv1.Step_Label:
		pairs(op.Label.Pairs)
	case *irv1.Step_Run:
		list = append(list, op.Run.Command.Words...)
		for _, m := range op.Run.Mounts {
			pairs(m.Options)
		}
	case *irv1.Step_Copy:
		list = append(append(list, op.Copy.Sources...), op.Copy.Destination)
	case *irv1.Step_Add:
		list = append(append(list, op.Add.Sources...), op.Add.Destination)
	case *irv1.Step_Cmd:
		list = op.Cmd.Words
	case *irv1.Step_Expose:
		list = op.Expose.Words
	case *irv1.Step_Volume:
		list = op.Volume.Words
	case *irv1.Step_Onbuild:
		list = stepWords(op.Onbuild)
	}
	return list
}

// allTexts returns the strings of a response that come from the file.
func allTexts(res *frontendv1.ParseResponse) []string {
	var list []string
	for _, d := range res.Diagnostics {
		list = append(list, d.Message, d.Help)
		for _, f := range d.Fixes {
			list = append(list, f.Title)
		}
	}
	for _, s := range res.Symbols {
		list = append(list, s.Name)
	}
	for _, s := range res.GetBuild().GetContainer().GetStages() {
		list = append(list, s.Text, s.Comment, s.Base.GetText(), s.Name.GetText())
		for _, step := range s.Steps {
			list = append(list, step.Text, step.Comment)
			for _, w := range stepWords(step) {
				list = append(list, w.Text)
			}
		}
	}
	return list
}

// FuzzOracle compares the concrete syntax of arbitrary text with what BuildKit
// makes of it, wherever BuildKit accepts it.
func FuzzOracle(f *testing.F) {
	for _, s := range append(seeds, validDockerfiles...) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		if differs(src) {
			return
		}
		if strings.Contains(src, "<<") && strings.Contains(strings.Join(lines(parse(src).Diagnostics), "\n"), "unknown-instruction") {
			return // we skip the here-documents of a misspelled RUN
		}
		want, _, err := buildkitView([]byte(src))
		if err != nil {
			if res := parse(src); !diag.HasErrors(res.Diagnostics) {
				t.Fatalf("BuildKit: %v", err)
			}
			return
		}
		if got, _ := ourView([]byte(src)); !cmp.Equal(want, got) {
			t.Fatalf("BuildKit -, we +:\n%s", cmp.Diff(want, got))
		}
		compareMeaning(t, src)
	})
}

// compareMeaning compares the IR where both accept src, and whether they do.
func compareMeaning(t *testing.T, src string) {
	facts, err := buildkitFacts([]byte(src))
	res := parse(src)
	switch wrong := diag.HasErrors(res.Diagnostics); {
	case err == nil && !wrong:
		if got := ourFacts(t, res.Build.GetContainer()); !cmp.Equal(facts, got) {
			t.Fatalf("BuildKit -, we +:\n%s", cmp.Diff(facts, got))
		}
	case err == nil:
		for _, d := range res.Diagnostics {
			if d.Severity == errorLevel && !slices.Contains(stricter, d.Code) {
				t.Fatalf("BuildKit has nothing against it: %s", diag.Line("Dockerfile", d))
			}
		}
	case !wrong && !laxer(err):
		t.Fatalf("BuildKit: %v", err)
	}
}
