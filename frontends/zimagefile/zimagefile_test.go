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

func parse(src string) *frontendv1.ParseResponse { return parseIn(src, nil) }

// parseIn parses a file in a build context with these names at its root.
func parseIn(src string, names []string) *frontendv1.ParseResponse {
	r := &frontendv1.ParseRequest{Name: "ZImagefile", Content: []byte(src), Tokens: true}
	res := zimagefile.Parse(r)
	if len(res.Needs) > 0 {
		r.Files = []*frontendv1.File{{Path: ".", Entries: names, Absent: names == nil}}
		res = zimagefile.Parse(r)
	}
	return res
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
// the build with ranges; want.ir.txt is the one without. A file context lists
// the names in the build context.
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
			got := &txtar.Archive{Comment: a.Comment, Files: a.Files[:1:1]}
			var context []string
			if len(a.Files) > 1 && a.Files[1].Name == "context" {
				context = strings.Fields(string(a.Files[1].Data))
				got.Files = a.Files[:2:2]
			}
			res := parseIn(string(a.Files[0].Data), context)
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
