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

// wantName is the last file of each archive in testdata; the others are the
// project.
const wantName = "want"

// TestFailures builds the projects in testdata, none of which can be built.
func TestFailures(t *testing.T) {
	t.Setenv("GOTOOLCHAIN", "local")
	t.Setenv("GOPROXY", "off")
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
	s := start(t, project(t, files))
	f := mustFail(t, s, &events{})
	text := describe(f)
	// What the machine decides is replaced.
	version := "go" + strings.TrimPrefix(goVersion(t), "go")
	return strings.NewReplacer(s.GetContexts()[0].GetPath(), "PROJECT", version, "GOVERSION", strings.TrimPrefix(version, "go"), "GOVERSION").Replace(text)
}

func goVersion(t *testing.T) string {
	t.Helper()
	g, err := findGo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return g.version
}

// describe prints all of a failure that people see.
func describe(f *backend.Failure) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v\nmessage: %s\n", f.Kind, f.Message)
	if f.Help != "" {
		fmt.Fprintf(&b, "help: %s\n", f.Help)
	}
	for _, finding := range f.Findings {
		fmt.Fprintln(&b, diag.Line(finding.GetFile(), finding.GetDiagnostic()))
		if help := finding.GetDiagnostic().GetHelp(); help != "" {
			fmt.Fprintf(&b, "  %s\n", help)
		}
	}
	return b.String()
}
