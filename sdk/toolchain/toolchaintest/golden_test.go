// SPDX-License-Identifier: Apache-2.0

package toolchaintest

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
)

func TestParseGolden(t *testing.T) {
	const head = "a comment\n-- a/b --\none\n\n-- empty --\n-- options --\nx=1 y=2\nz=3\n-- want --\n"
	g, err := parseGolden(head + "\nwhat\nis wanted\n")
	if err != nil {
		t.Fatal(err)
	}
	if g.head != head || g.want != "\nwhat\nis wanted\n" || !slices.Equal(g.options, []string{"x=1", "y=2", "z=3"}) {
		t.Errorf("%+v", g)
	}
	if want := map[string]string{"a/b": "one\n\n", "empty": ""}; !maps.Equal(g.project, want) {
		t.Errorf("the project is %q", g.project)
	}
	if g, err := parseGolden(head); err != nil || g.head != head || g.want != "" {
		t.Errorf("nothing is wanted yet: %+v, %v", g, err)
	}
	for _, text := range []string{"", "a comment\n", head + "x\n-- more --\n"} {
		if _, err := parseGolden(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestReadGolden(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.txtar")
	if _, err := readGolden(path); !os.IsNotExist(err) {
		t.Error(err)
	}
	if err := os.WriteFile(path, []byte("-- a --\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readGolden(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Error(err)
	}
}

func TestText(t *testing.T) {
	at := func(line, column, units uint32) *diagv1.Range {
		return &diagv1.Range{Line: line, Column: column, ColumnUtf16: units, EndLine: line, EndColumn: column + 1}
	}
	d := diag.Error(at(1, 4, 3), "code", "wrong")
	d.Help = "right it"
	d.Related = []*diagv1.Related{{Range: at(2, 1, 1), Message: "because"}}
	d.Fixes = []*diagv1.Fix{{Title: "remove", Edits: []*diagv1.Edit{{Range: at(3, 1, 1), NewText: "x\n"}}}}
	got := Text(&backend.Failure{
		Kind: backendv1.FailureKind_FAILURE_KIND_SOURCE, Message: "no", Help: "help", Findings: []*backendv1.Finding{backend.At("f", d)},
	})
	want := `FAILURE_KIND_SOURCE
message: no
help: help
f:1:4-1:5 error code wrong
  UTF-16 column: 3
  2:1-2:2: because
  help: right it
  fix: remove
    3:1-3:2 "x\n"
`
	if got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}
