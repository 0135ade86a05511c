// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/diag"
)

var update = flag.Bool("update", false, "rewrite the want sections of testdata")

// Of each archive in testdata the last file is what is wanted; a file options
// holds options of the build, one a line. The others are the project.
const (
	wantName    = "want"
	optionsName = "options"
)

// TestFailures builds the projects in testdata, none of which can be built.
func TestFailures(t *testing.T) {
	t.Setenv("CARGO_NET_OFFLINE", "true")
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal(archives, err)
	}
	for _, path := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			last := &archive.Files[len(archive.Files)-1]
			if last.Name != wantName {
				t.Fatalf("the last file is %q, not %q", last.Name, wantName)
			}
			files := map[string]string{}
			for _, f := range archive.Files[:len(archive.Files)-1] {
				files[f.Name] = string(f.Data)
			}
			got := failureText(t, files)
			if *update {
				last.Data = []byte(got)
				if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(last.Data), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// failureText builds a project and prints why it failed.
func failureText(t *testing.T, files map[string]string) string {
	t.Helper()
	options := strings.Fields(files[optionsName])
	delete(files, optionsName)
	s := start(t, write(t, files), options...)
	text := describe(mustFail(t, s, &events{}))
	// What the machine decides is replaced.
	r, err := findRust(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	version, _, _ := strings.Cut(r.version, " (")
	return strings.NewReplacer(s.GetContexts()[0].GetPath(), "PROJECT", version, "RUSTC").Replace(text)
}

// describe prints all of a failure that people see.
func describe(f *backend.Failure) string {
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
