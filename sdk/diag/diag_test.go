// SPDX-License-Identifier: Apache-2.0

package diag

import (
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/zlayer/zlayer/sdk/gen/diagv1"
)

func TestMapperPositions(t *testing.T) {
	src := "ab\r\né😀x\n\nend"
	m := NewMapper([]byte(src))
	for _, tc := range []struct{ offset, line, column, column16 int }{
		{0, 1, 1, 1},
		{2, 1, 3, 3},
		{4, 2, 1, 1},
		{strings.Index(src, "x"), 2, 7, 4},
		{strings.Index(src, "end"), 4, 1, 1},
		{len(src), 4, 4, 4},
		{len(src) + 9, 4, 4, 4},
		{-1, 1, 1, 1},
	} {
		line, column, column16 := m.Position(tc.offset)
		if line != tc.line || column != tc.column || column16 != tc.column16 {
			t.Errorf("Position(%d) = %d:%d (%d), want %d:%d (%d)", tc.offset, line, column, column16, tc.line, tc.column, tc.column16)
		}
		if back := m.Offset(line, column); tc.offset >= 0 && tc.offset <= len(src) && back != tc.offset {
			t.Errorf("Offset(%d, %d) = %d, want %d", line, column, back, tc.offset)
		}
	}
	if got := string(m.Line(1)); got != "ab" {
		t.Errorf("Line(1) = %q", got)
	}
}

func TestMapperByteOrderMarkHasNoWidth(t *testing.T) {
	m := NewMapper([]byte("\xef\xbb\xbfFROM x"))
	if line, column, column16 := m.Position(3); line != 1 || column != 1 || column16 != 1 {
		t.Errorf("Position(3) = %d:%d (%d)", line, column, column16)
	}
}

// Long lines with wide runes cross many checkpoints.
func TestMapperUTF16OnLongLines(t *testing.T) {
	for _, unit := range []string{"a", "é", "€", "😀", "a😀€é"} {
		src := "x\n" + strings.Repeat(unit, 1000)
		m := NewMapper([]byte(src))
		for offset := range src { // rune starts
			if offset < 2 {
				continue
			}
			want := len(utf16.Encode([]rune(src[2:offset]))) + 1
			if _, _, got := m.Position(offset); got != want {
				t.Fatalf("%q: UTF-16 column of byte %d = %d, want %d", unit, offset, got, want)
			}
		}
	}
}

func FuzzMapper(f *testing.F) {
	f.Add([]byte("FROM a\nRUN é\xff\xfe😀"), 5)
	f.Fuzz(func(t *testing.T, src []byte, offset int) {
		m := NewMapper(src)
		line, column, column16 := m.Position(offset)
		if line < 1 || line > m.Lines() || column < 1 || column16 < 1 || column16 > column {
			t.Fatalf("Position(%d) = %d:%d (%d)", offset, line, column, column16)
		}
	})
}

func TestPrint(t *testing.T) {
	src := []byte("FROM scratch\n\tFRUM x # é\n")
	m := NewMapper(src)
	d := Error(m.Range(14, 18), "unknown-instruction", `unknown instruction "FRUM"`)
	d.Fixes = []*diagv1.Fix{{Title: "change FRUM to FROM"}}
	d.Related = []*diagv1.Related{{Range: m.Range(0, 4), Message: "the stage begins here"}}
	nowhere := Warning(nil, "odd", "odd file")
	var b strings.Builder
	if err := Print(&b, []File{{Name: "Dockerfile", Content: src}}, []*diagv1.Diagnostic{d, nowhere}); err != nil {
		t.Fatal(err)
	}
	want := `Dockerfile:2:2: error: unknown instruction "FRUM" [unknown-instruction]
  2 | 	FRUM x # é
    | 	^~~~
  Dockerfile:1:1: the stage begins here
  help: change FRUM to FROM
Dockerfile: warning: odd file [odd]
`
	if b.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", b.String(), want)
	}
	if got, want := Line("Dockerfile", d), `Dockerfile:2:2-2:6 error unknown-instruction unknown instruction "FRUM"`; got != want {
		t.Errorf("Line = %q, want %q", got, want)
	}
}

func TestPrintCropsLongLinesAndHidesControls(t *testing.T) {
	src := []byte(strings.Repeat("a", 5000) + "\x1b[31mBAD" + strings.Repeat("b", 5000))
	var b strings.Builder
	d := Error(NewMapper(src).Range(5005, 5008), "x", "m")
	if err := Print(&b, []File{{Name: "f", Content: src}}, []*diagv1.Diagnostic{d}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "\x1b") || len(b.String()) > 600 {
		t.Errorf("not cropped or not clean: %d bytes: %q", b.Len(), b.String())
	}
}

func TestSortAndReaches(t *testing.T) {
	m := NewMapper([]byte("a\nb\n"))
	ds := []*diagv1.Diagnostic{Warning(m.Range(2, 3), "w", ""), Error(m.Range(0, 1), "e", ""), Warning(nil, "n", "")}
	Sort(ds)
	if ds[0].Code != "n" || ds[1].Code != "e" || ds[2].Code != "w" {
		t.Errorf("order: %s %s %s", ds[0].Code, ds[1].Code, ds[2].Code)
	}
	if !HasErrors(ds) || HasErrors(ds[2:]) || !Reaches(ds[2:], diagv1.Severity_SEVERITY_WARNING) || !Reaches(ds[2:], diagv1.Severity_SEVERITY_INFO) {
		t.Error("severities are mixed up")
	}
	for _, name := range []string{"error", "warning", "info"} {
		if s, ok := ParseSeverity(name); !ok || SeverityName(s) != name {
			t.Errorf("ParseSeverity(%q) = %v, %v", name, s, ok)
		}
	}
}
