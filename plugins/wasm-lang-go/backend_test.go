// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/sdk/buildctx"
	"github.com/zlayer/zlayer/sdk/toolchain/toolchaintest"
)

var (
	kit    = &toolchaintest.Kit{Backend: goBackend{}, Language: language}
	update = flag.Bool("update", false, "rewrite the want sections of testdata")
)

func TestMain(m *testing.M) { os.Exit(kit.Main(m)) }

const goMod = "module example.org/hello\n\ngo 1.24\n"

const helloGo = `package main

import (
	"fmt"
	"os"
)

func main() { fmt.Println("hello", os.Args[1:]) }
`

// hello are the files of a project that says hello.
func hello() map[string]string {
	return map[string]string{"go.mod": goMod, "main.go": helloGo}
}

func TestHello(t *testing.T) {
	built := kit.Tools(t, kit.Start(t, toolchaintest.Project(t, hello())))
	if want := []string{"go version", "go list", "go build"}; !slices.Equal(built.Steps, want) {
		t.Errorf("steps %q, want %q", built.Steps, want)
	}
	if !strings.HasPrefix(built.Inputs["tool go"], "go1.") {
		t.Errorf("inputs %v do not name the go tool", built.Inputs)
	}
}

func TestSameSourceSameModule(t *testing.T) {
	first := kit.Build(t, kit.Start(t, toolchaintest.Project(t, hello())))
	t.Setenv("GOFLAGS", "-tags=other")
	t.Setenv("GOWASM", "signext")
	second := kit.Build(t, kit.Start(t, toolchaintest.Project(t, hello())))
	if first.Artifact.GetHandle() != second.Artifact.GetHandle() {
		t.Errorf("two folders give %s and %s", first.Artifact.GetHandle(), second.Artifact.GetHandle())
	}
}

// Here the go tool could get the module and complete go.sum.
func TestProjectIsNotWrittenTo(t *testing.T) {
	f := kit.Fail(t, kit.Start(t, toolchaintest.Project(t, map[string]string{
		"go.mod":  goMod + "\nrequire github.com/google/go-cmp v0.7.0\n",
		"main.go": "package main\n\nimport \"github.com/google/go-cmp/cmp\"\n\nfunc main() { cmp.Diff(1, 2) }\n",
	})))
	if !strings.Contains(f.Help, "go mod tidy") {
		t.Errorf("help %q does not name go mod tidy", f.Help)
	}
}

// What the context hides is not there, nor is what a link leads to outside.
func TestOnlyTheContextIsSeen(t *testing.T) {
	files := hello()
	for _, name := range []string{"hidden.go", "lib/hidden.go", "old/deep/hidden.go", ".git/config"} {
		files[name] = "not Go"
	}
	files["lib/lib.go"] = "package lib\n"
	files["main.go"] = strings.Replace(helloGo, "import (", "import (\n\t_ \"example.org/hello/lib\"", 1)
	dir := toolchaintest.Project(t, files)
	for link, to := range map[string]string{"etc.go": "/etc/passwd", "inside.go": "lib/lib.txt", "old.go": "old/deep/hidden.go"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "lib", "lib.txt"), []byte("package main\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := kit.Start(t, dir)
	s.Contexts[0].Ignore = []string{".git", "hidden.go", "lib/h*", "old"}
	kit.Build(t, s)
	ignore, err := buildctx.NewIgnore(s.Contexts[0].Ignore)
	if err != nil {
		t.Fatal(err)
	}
	got, err := hiddenIn(dir, ignore)
	if want := []string{"etc.go", "hidden.go", "lib/hidden.go", "old", "old.go"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("hidden are %q, %v, want %q", got, err, want)
	}
}

func TestMainInCmd(t *testing.T) {
	kit.Build(t, kit.Start(t, toolchaintest.Project(t, map[string]string{
		"go.mod": goMod, "lib.go": "package hello\n", "cmd/only/main.go": helloGo, "cmd/doc/doc.go": "package doc\n",
	})))
}

func TestOptions(t *testing.T) {
	dir := toolchaintest.Project(t, map[string]string{
		"go.mod": goMod, "cmd/a/main.go": helloGo, "cmd/b/main.go": "package main\n\nfunc main() { undefined() }\n",
		"cmd/b/extra.go": "//go:build extra\n\npackage main\n\nfunc undefined() { println(\"extra\") }\n",
		"lib/lib.go":     "package lib\n",
	})
	small := kit.Build(t, kit.Start(t, dir, "package=cmd/a")).Module
	big := kit.Build(t, kit.Start(t, dir, "package=./cmd/a", "profile=debug")).Module
	if len(big) <= len(small) {
		t.Errorf("%d bytes to debug, %d to release", len(big), len(small))
	}
	kit.Build(t, kit.Start(t, dir, "features=extra", "features=other", "package=cmd/b"))
	for option, want := range map[string]string{
		"package=lib": "./lib is not a main package", "package=none": "./none is not a main package", "package=../x": "not in the project",
		"profile=small": "no profile", "features=a,b": "not a build tag", "package=cmd/b": "undefined",
	} {
		if f := kit.Fail(t, kit.Start(t, dir, option)); !strings.Contains(f.Message, want) {
			t.Errorf("%s: %s", option, f.Message)
		}
	}
}

// TestFailures builds the projects in testdata, none of which can be built.
func TestFailures(t *testing.T) {
	t.Setenv("GOTOOLCHAIN", "local")
	t.Setenv("GOPROXY", "off")
	g, err := findGo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kit.Failures(t, *update, g.version, "GOVERSION", strings.TrimPrefix(g.version, "go"), "GOVERSION")
}

func TestArtifact(t *testing.T) {
	kit.Life(t, kit.Start(t, toolchaintest.Project(t, map[string]string{
		"go.mod": goMod, "main.go": "package main\n\nfunc main() { println(\"another\") }\n",
	})))
}

func TestCancel(t *testing.T) {
	s := kit.Start(t, toolchaintest.Project(t, hello()))
	s.NoCache = true // so that it takes a while
	kit.Cancel(t, s, func() bool {
		work, _ := filepath.Glob(filepath.Join(s.GetTempDir(), "*", "go-build*"))
		return len(work) > 0
	})
}

func TestMachineWithoutGo(t *testing.T) {
	for _, test := range []struct {
		name, script  string
		message, help string
	}{
		{"none", "", "go is not on PATH", "https://go.dev/dl"},
		{"old", "echo go1.23.4", "go1.23.4", "https://go.dev/dl"},
	} {
		t.Run(test.name, func(t *testing.T) {
			programs := map[string]string{}
			if test.script != "" {
				programs["go"] = test.script
			}
			toolchaintest.Programs(t, programs)
			f := kit.Missing(t, kit.Start(t, toolchaintest.Project(t, hello())))
			if !strings.Contains(f.Message, test.message) || !strings.Contains(f.Help, test.help) {
				t.Errorf("%s; %s", f.Message, f.Help)
			}
		})
	}
}

func TestTooOld(t *testing.T) {
	for version, want := range map[string]bool{
		"go1.23.12": true, "go1.24": false, "go1.24rc1": false, "go1.26.8": false, "go1.26.8 X:jsonv2": false,
		"go1.23.4-custom": true, "devel go1.27-0123abc Mon": false, "": false,
	} {
		if got := tooOld(version); got != want {
			t.Errorf("tooOld(%q) = %v", version, got)
		}
	}
}

func TestManifest(t *testing.T) {
	kit.Manifest(t, slices.Concat([]string{"GOENV"}, passed, settings)...)
}
