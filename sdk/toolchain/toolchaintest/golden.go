// SPDX-License-Identifier: Apache-2.0

package toolchaintest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/diag"
)

// The files of a golden that are not the project's.
const (
	wantName    = "want"
	optionsName = "options"
)

// Failures builds the projects in testdata/*.txtar, none of which can be built,
// and compares what the user reads with the file "want" of each, which is its
// last (see Text). A file "options" holds options of the build, as for Start,
// one a word. All other files are the project.
//
// The replacements are pairs of what only this machine says and what is written
// for it, as for strings.NewReplacer. The project's folder is PROJECT anyway.
// With update the files are written and not compared: read the difference
// before you keep it.
func (k *Kit) Failures(t *testing.T, update bool, replacements ...string) {
	t.Helper()
	goldens, err := filepath.Glob(filepath.Join("testdata", "*.txtar"))
	if err != nil || len(goldens) == 0 {
		t.Fatalf("testdata has no *.txtar: %v", err)
	}
	for _, path := range goldens {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			g, err := readGolden(path)
			if err != nil {
				t.Fatal(err)
			}
			start := k.Start(t, Project(t, g.project), g.options...)
			text := Text(k.Fail(t, start))
			got := hideProject(start.GetContexts()[0].GetPath(), replacements).Replace(text)
			if update {
				if err := os.WriteFile(path, []byte(g.head+got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != g.want {
				t.Errorf("the user reads\n%s\nwant\n%s", got, g.want)
			}
		})
	}
}

// hideProject writes PROJECT for the folder, under both of its names where it
// is below a link, and for the rest what the test wants.
func hideProject(dir string, replacements []string) *strings.Replacer {
	pairs := []string{dir, "PROJECT"}
	if links, err := filepath.EvalSymlinks(dir); err == nil {
		pairs = append([]string{links, "PROJECT"}, pairs...)
	}
	return strings.NewReplacer(append(pairs, replacements...)...)
}

// golden is a file of testdata, in the txtar format: a comment, then files,
// each behind a line "-- name --".
type golden struct {
	head    string // all up to what is wanted
	project map[string]string
	options []string
	want    string
}

// readGolden reads a file of testdata.
func readGolden(path string) (*golden, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	g, err := parseGolden(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return g, nil
}

func parseGolden(text string) (*golden, error) {
	files, last := map[string]string{}, ""
	g := &golden{project: files}
	for line := range strings.Lines(text) {
		if name, ok := marker(line); ok {
			last = name
			files[name] = ""
		} else if last != "" {
			files[last] += line
		}
		if last != wantName || files[last] == "" {
			g.head += line
		}
	}
	if last != wantName {
		return nil, errors.New(`the last file is not "want"`)
	}
	g.want, g.options = files[wantName], strings.Fields(files[optionsName])
	delete(files, wantName)
	delete(files, optionsName)
	return g, nil
}

// marker returns the name in a line that begins a file.
func marker(line string) (name string, ok bool) {
	rest, begins := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "-- ")
	name, ends := strings.CutSuffix(rest, " --")
	name = strings.TrimSpace(name)
	return name, begins && ends && name != ""
}

// Text is all of a failure that people and editors get to see, for goldens.
func Text(f *backend.Failure) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v\nmessage: %s\n", f.Kind, f.Message)
	if f.Help != "" {
		fmt.Fprintf(&b, "help: %s\n", f.Help)
	}
	for _, finding := range f.Findings {
		d := finding.GetDiagnostic()
		fmt.Fprintln(&b, diag.Line(finding.GetFile(), d))
		if d.GetRange().GetColumn() != d.GetRange().GetColumnUtf16() {
			fmt.Fprintf(&b, "  UTF-16 column: %d\n", d.GetRange().GetColumnUtf16())
		}
		for _, r := range d.GetRelated() {
			fmt.Fprintf(&b, "  %s: %s\n", diag.Span(r.GetRange()), r.GetMessage())
		}
		if d.GetHelp() != "" {
			fmt.Fprintf(&b, "  help: %s\n", d.GetHelp())
		}
		for _, fix := range d.GetFixes() {
			fmt.Fprintf(&b, "  fix: %s\n", fix.GetTitle())
			for _, e := range fix.GetEdits() {
				fmt.Fprintf(&b, "    %s %q\n", diag.Span(e.GetRange()), e.GetNewText())
			}
		}
	}
	return b.String()
}
