// SPDX-License-Identifier: Apache-2.0

package zimagefile_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/zlayer/zlayer/frontends/zimagefile"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

var update = flag.Bool("update", false, "rewrite the goldens in testdata")

func parse(src string) *frontendv1.ParseResponse {
	return zimagefile.Parse(&frontendv1.ParseRequest{Name: "ZImagefile", Content: []byte(src), Tokens: true})
}

// lines prints diagnostics, one a line, with their help behind.
func lines(r *frontendv1.ParseResponse) string {
	var b strings.Builder
	for _, d := range r.Diagnostics {
		b.WriteString(diag.Line("ZImagefile", d))
		if d.Help != "" {
			b.WriteString(" (" + d.Help + ")")
		}
		for _, f := range d.Fixes {
			b.WriteString(" [" + f.Title + "]")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// TestGolden parses the first file of each archive. A file want.ranges.txt is
// the build with ranges; want.ir.txt is the one without.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no goldens", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			res := parse(string(a.Files[0].Data))
			got := &txtar.Archive{Comment: a.Comment, Files: a.Files[:1:1]}
			add := func(name, text string) {
				if text != "" {
					got.Files = append(got.Files, txtar.File{Name: name, Data: []byte(text)})
				}
			}
			add("want.diag.txt", lines(res))
			switch {
			case strings.Contains(string(a.Comment), "ranges"):
				add("want.ranges.txt", ir.TextWithRanges(res.Build))
			case len(res.Diagnostics) == 0:
				add("want.ir.txt", ir.Text(res.Build))
			}
			if *update {
				if err := os.WriteFile(file, txtar.Format(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(string(txtar.Format(a)), string(txtar.Format(got))); d != "" {
				t.Error(d)
			}
		})
	}
}
