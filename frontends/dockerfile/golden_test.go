// SPDX-License-Identifier: Apache-2.0

package dockerfile

import (
	goflag "flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

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
			res := parse(g.src)
			gotIR := ir.Text(res.Build)
			gotDiag := strings.Join(append(lines(res.Diagnostics), ""), "\n")
			if *update {
				input := txtar.File{Name: "Dockerfile", Data: []byte(section(g.archive, "Dockerfile"))}
				g.archive.Files = []txtar.File{input, {Name: "want.ir.txt", Data: []byte(gotIR)}, {Name: "want.diag.txt", Data: []byte(gotDiag)}}
				if err := os.WriteFile(g.file, txtar.Format(g.archive), 0o666); err != nil {
					t.Fatal(err)
				}
				return
			}
			if want := section(g.archive, "want.ir.txt"); gotIR != want {
				t.Errorf("IR:\n%s\nwant:\n%s", gotIR, want)
			}
			if want := section(g.archive, "want.diag.txt"); gotDiag != want {
				t.Errorf("diagnostics:\n%s\nwant:\n%s", gotDiag, want)
			}
		})
	}
}
