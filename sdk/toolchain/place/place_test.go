// SPDX-License-Identifier: Apache-2.0

package place_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/toolchain/place"
)

func TestRanges(t *testing.T) {
	f := place.NewFile("f", []byte("first\r\n\t é𝄞 = \"a b\" + x9\nlast"))
	for name, test := range map[string]struct {
		got  *diagv1.Range
		want string
	}{
		"a word":             {f.Token(2, 20), "2:20-2:22"},
		"a string":           {f.Token(2, 12), "2:12-2:17"},
		"a sign":             {f.Token(2, 10), "2:10-2:11"},
		"past the end":       {f.Token(1, 40), "1:7-1:7"},
		"no such line":       {f.Token(9, 1), "3:1-3:1"},
		"a column of 0":      {f.Token(3, 0), "3:1-3:1"},
		"a line":             {f.Line(2), "2:3-2:22"},
		"characters":         {f.Characters(2, 3, 2, 5), "2:3-2:9"},
		"lines":              {f.Characters(1, 2, 3, 5), "1:2-3:5"},
		"too many":           {f.Characters(2, 100, 2, 200), "2:22-2:22"},
		"bytes":              {f.Bytes(0, 5), "1:1-1:6"},
		"a damaged position": {f.Characters(0, -1, -5, 0), "1:1-1:1"},
	} {
		if got := diag.Span(test.got); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
	if r := f.Characters(2, 5, 2, 6); r.GetColumnUtf16() != 6 {
		t.Errorf("UTF-16 column %d, want 6", r.GetColumnUtf16())
	}
}

func TestFilesOfTheProject(t *testing.T) {
	top := t.TempDir()
	dir := filepath.Join(top, "project")
	if err := os.MkdirAll(filepath.Join(dir, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"outside", "project/sub/f"} {
		if err := os.WriteFile(filepath.Join(top, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := &place.Project{Dir: dir}
	first := p.File("./sub/../sub/f")
	if first == nil || first.Name != "sub/f" || p.File(filepath.Join(dir, "sub", "f")) != first {
		t.Errorf("the file is %v", first)
	}
	for _, path := range []string{"../outside", filepath.Join(top, "outside"), "missing", "sub", ""} {
		if f := p.File(path); f != nil {
			t.Errorf("File(%q) = %v", path, f)
		}
	}
}

func TestParse(t *testing.T) {
	for text, want := range map[string]struct {
		at      place.Position
		message string
	}{
		"a/b.zig:3:14: error: no": {place.Position{File: "a/b.zig", Line: 3, Column: 14}, "error: no"},
		"go.mod:7: no: no":        {place.Position{File: "go.mod", Line: 7}, "no: no"},
		`C:\x.c:1:2: no`:          {place.Position{File: `C:\x.c`, Line: 1, Column: 2}, "no"},
		"error: no":               {place.Position{}, "error: no"},
		" indented:1:2: no":       {place.Position{}, " indented:1:2: no"},
		"":                        {},
	} {
		at, message, ok := place.Parse(text)
		if at != want.at || message != want.message || ok != (at.File != "") {
			t.Errorf("Parse(%q) = %+v, %q, %v", text, at, message, ok)
		}
		if again := at.String() + ": " + message; ok && again != text {
			t.Errorf("%q was %q", again, text)
		}
	}
}

func TestFinding(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f"), []byte("one two\n  three\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &place.Project{Dir: dir}
	for want, at := range map[string]place.Position{
		"f:1:5-1:8 error code no":        {File: "f", Line: 1, Column: 5},
		"f:2:3-2:8 error code no":        {File: filepath.Join(dir, "f"), Line: 2},
		" error code no":                 {},
		" error code /lib/std.c:4:1: no": {File: "/lib/std.c", Line: 4, Column: 1},
	} {
		f := p.Finding(at, diag.Error(nil, "code", "no"))
		if got := diag.Line(f.GetFile(), f.GetDiagnostic()); got != want {
			t.Errorf("%+v: %q, want %q", at, got, want)
		}
	}
}

func TestSort(t *testing.T) {
	f := place.NewFile("", []byte("one two\nthree"))
	list := []*backendv1.Finding{
		backend.At("b", diag.Error(f.Token(1, 1), "", "")), backend.At("a", diag.Error(f.Token(2, 1), "", "")),
		backend.At("a", diag.Error(f.Token(1, 5), "", "")), backend.At("a", diag.Error(f.Token(1, 1), "", "")), backend.At("", diag.Error(nil, "", "")),
	}
	place.Sort(list)
	var got string
	for _, x := range list {
		got += x.GetFile() + diag.Span(x.GetDiagnostic().GetRange()) + " "
	}
	if want := "0:0-0:0 a1:1-1:4 a1:5-1:8 a2:1-2:6 b1:1-1:4 "; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
