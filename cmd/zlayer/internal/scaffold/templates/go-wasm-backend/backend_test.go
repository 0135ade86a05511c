// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/toolchain/toolchaintest"
)

// kit builds small projects and checks what the specification asks of each.
var kit = &toolchaintest.Kit{Backend: goBackend{}, Language: language}

func TestMain(m *testing.M) { os.Exit(kit.Main(m)) }

// project writes a module with a program.
func project(t *testing.T, program string) string {
	return toolchaintest.Project(t, map[string]string{"go.mod": "module example.org/app\n\ngo 1.24\n", "main.go": program})
}

const hello = "package main\n\nfunc main() { println(\"hello\") }\n"

func TestHello(t *testing.T) {
	built := kit.Tools(t, kit.Start(t, project(t, hello)))
	if !strings.HasPrefix(built.Inputs["tool go"], "go1.") {
		t.Errorf("inputs %v do not name the go tool", built.Inputs)
	}
}

func TestMistake(t *testing.T) {
	f := kit.Fail(t, kit.Start(t, project(t, "package main\n\nfunc main() { missing() }\n")))
	if len(f.Findings) != 1 {
		t.Fatalf("%v, with the findings %v", f, f.Findings)
	}
	if got := diag.Line(f.Findings[0].GetFile(), f.Findings[0].GetDiagnostic()); got != "main.go:3:15-3:22 error go-build undefined: missing" {
		t.Errorf("got %s", got)
	}
}

func TestWithoutGo(t *testing.T) {
	toolchaintest.Programs(t, nil)
	if f := kit.Missing(t, kit.Start(t, project(t, hello))); !strings.Contains(f.Help, "install Go") {
		t.Errorf("the help is %q", f.Help)
	}
}

func TestArtifact(t *testing.T) { kit.Life(t, kit.Start(t, project(t, hello))) }
