// SPDX-License-Identifier: Apache-2.0

// Package zlayer_test holds the tests of the tree as a whole.
package zlayer_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/zlayer/zlayer"

// arrows says which packages of the project a package may import. The first
// rule that matches the importer decides. Patterns are those of path.Match
// with a final "/..." for everything below, relative to the module.
var arrows = []struct {
	from string
	to   []string
}{
	{"cmd/zlayer/internal/scaffold/templates/...", []string{"sdk/..."}}, // projects of their own
	{"cmd/zlayer/internal/scaffold", []string{"conformance/testee/rust-frontend", "sdk/manifest"}},
	{"cmd/zlayer/...", []string{"cmd/zlayer/internal/...", "host", "host/grant", "host/plugins", "conformance", "conformance/report", "conformance/suite", "sdk/diag", "sdk/ir", "sdk/gen/diagv1", "sdk/gen/irv1"}},
	{"conformance/wasmtime", nil},
	{"conformance/...", []string{"conformance/...", "host", "sdk/..."}},
	{"host/plugins", []string{"host", "host/grant", "host/internal/...", "sdk/..."}},
	{"host/...", []string{"host/internal/...", "sdk/..."}},
	{"frontends/dockerfile/...", []string{"frontends/dockerfile", "sdk/frontend", "sdk/ir", "sdk/ir/expand", "sdk/diag", "sdk/gen/diagv1", "sdk/gen/irv1", "sdk/gen/frontendv1"}},
	{"frontends/zimagefile/...", []string{"frontends/zimagefile", "sdk/frontend", "sdk/ir", "sdk/ir/expand", "sdk/diag", "sdk/gen/diagv1", "sdk/gen/irv1", "sdk/gen/frontendv1"}},
	{"plugins/buildah-backend/...", []string{"plugins/buildah-backend/...", "sdk/..."}},
	{"plugins/wasm-lang-go/...", []string{"plugins/wasm-lang-go/...", "sdk/..."}},
	{"plugins/sandbox-backend/...", []string{"plugins/sandbox-backend/...", "sdk/..."}},
	{"plugins/wasm-lang-rust/...", []string{"plugins/wasm-lang-rust/...", "sdk/..."}},
	{"examples/...", nil},
	{"sdk/gen/...", []string{"sdk/gen/..."}},
	{"sdk/internal/...", nil},
	{"sdk/diag", []string{"sdk/gen/diagv1"}},
	{"sdk/ir/expand", nil},
	{"sdk/ir/digest", []string{"sdk/ir", "sdk/gen/irv1"}},
	{"sdk/ir", []string{"sdk/ir/expand", "sdk/diag", "sdk/gen/diagv1", "sdk/gen/irv1"}},
	{"sdk/frontend", []string{"sdk/ir", "sdk/diag", "sdk/gen/frontendv1", "sdk/gen/diagv1", "sdk/gen/irv1"}},
	{"sdk/backend", []string{"sdk/ir", "sdk/gen/backendv1", "sdk/gen/diagv1", "sdk/gen/irv1"}},
	{"sdk/backend/serve", []string{"sdk/backend", "sdk/ir", "sdk/gen/..."}},
	{"sdk/toolchain", []string{"sdk/backend", "sdk/diag", "sdk/ir", "sdk/gen/backendv1", "sdk/gen/irv1", "sdk/toolchain/module", "sdk/toolchain/place", "sdk/toolchain/shelf"}},
	{"sdk/toolchain/toolchaintest", []string{"sdk/toolchain", "sdk/toolchain/module", "sdk/toolchain/shelf", "sdk/plugintest", "sdk/backend", "sdk/diag", "sdk/ir", "sdk/manifest", "sdk/gen/..."}},
	{"sdk/toolchain/shelf", []string{"sdk/backend", "sdk/gen/backendv1"}},
	{"sdk/toolchain/place", []string{"sdk/diag", "sdk/gen/backendv1", "sdk/gen/diagv1"}},
	{"sdk/toolchain/module", nil},
	{"sdk/manifest", []string{"sdk/strictjson"}},
	{"sdk/strictjson", nil},
	{"sdk/buildctx", nil},
	{"sdk/passwd", nil},
	{"sdk/remote", nil},
	{"sdk/plugintest", []string{"sdk/frontend", "sdk/backend", "sdk/ir", "sdk/diag", "sdk/manifest", "sdk/gen/..."}},
}

// owners says which packages alone may import a library.
var owners = []struct {
	library string
	owners  []string
}{
	{"github.com/hashicorp/go-plugin", []string{"sdk/backend/serve", "host/internal/procrun"}},
	{"google.golang.org/grpc", []string{"sdk/backend/serve", "host/internal/procrun", "sdk/gen/backendv1/backendv1grpc", "conformance/internal/peer", "conformance/zoo/backend"}},
	{"github.com/tetratelabs/wazero", []string{"host/internal/wasmrun", "conformance/internal/engine"}},
	{"github.com/bytecodealliance/wasmtime-go", []string{"conformance/wasmtime"}},
	{"github.com/google/go-containerregistry", []string{"host/internal/registry", "host/internal/artifact", "host/internal/archive", "host/internal/images", "host/internal/images/tartime", "plugins/sandbox-backend/internal/image", "conformance/bench", "conformance/internal/image", "conformance/internal/serve", "conformance/internal/life"}},
	{"github.com/sigstore", []string{"host/internal/trust"}},
	{"github.com/spf13/cobra", []string{"cmd/zlayer/internal/cli"}},
	{"golang.org/x/term", []string{"cmd/zlayer/internal/cli"}},
	{"golang.org/x/mod", []string{"host/internal/version"}},
}

// light lists packages that may not have some packages anywhere below them:
// frontends become wasm modules, and the contract is what third parties pay
// for.
var light = []struct {
	pkg    string
	banned []string
}{
	{"frontends/dockerfile/cmd", []string{"encoding/json", "net", "os/exec", "regexp", "google.golang.org/protobuf/proto", "google.golang.org/grpc"}},
	{"frontends/zimagefile/cmd", []string{"encoding/json", "net", "os/exec", "google.golang.org/protobuf/proto", "google.golang.org/grpc"}},
	{"sdk/frontend", []string{"encoding/json", "net", "os/exec", "regexp", "google.golang.org/protobuf/proto", "google.golang.org/grpc"}},
	{"sdk/backend", []string{"net", "google.golang.org/grpc", "google.golang.org/protobuf/proto", "github.com/hashicorp/go-plugin"}},
}

// pkg is what "go list" says of a package.
type pkg struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

// list returns the project's packages.
func list(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-tags=containers_image_openpgp,exclude_graphdriver_btrfs", "-json=ImportPath,Imports,Deps",
		module+"/...").Output()
	if err != nil {
		var exit *exec.ExitError
		errors.As(err, &exit)
		t.Fatalf("go list: %v\n%s", err, exit.Stderr)
	}
	var ps []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return ps
		} else if err != nil {
			t.Fatal(err)
		}
		ps = append(ps, p)
	}
}

// matches reports whether a package, relative to the module, fits a pattern.
func matches(pattern, name string) bool {
	if dir, ok := strings.CutSuffix(pattern, "/..."); ok {
		return name == dir || strings.HasPrefix(name, dir+"/")
	}
	ok, _ := path.Match(pattern, name)
	return ok
}

func TestImportArrows(t *testing.T) {
	for _, p := range list(t) {
		from := strings.TrimPrefix(p.ImportPath, module+"/")
		if from == module { // this test
			continue
		}
		i := slices.IndexFunc(arrows, func(a struct {
			from string
			to   []string
		}) bool {
			return matches(a.from, from)
		})
		if i < 0 {
			t.Errorf("%s: no rule says what it may import", from)
			continue
		}
		for _, imported := range p.Imports {
			to, ours := strings.CutPrefix(imported, module+"/")
			if ours && !slices.ContainsFunc(arrows[i].to, func(pattern string) bool { return matches(pattern, to) }) {
				t.Errorf("%s must not import %s", from, to)
			}
		}
	}
}

func TestLibrariesHaveOwners(t *testing.T) {
	for _, p := range list(t) {
		from := strings.TrimPrefix(p.ImportPath, module+"/")
		for _, o := range owners {
			uses := slices.ContainsFunc(p.Imports, func(imp string) bool { return matches(o.library+"/...", imp) })
			if uses && !slices.Contains(o.owners, from) && !strings.HasPrefix(from, "plugins/buildah-backend") {
				t.Errorf("%s must not import %s: only %v do", from, o.library, o.owners)
			}
		}
	}
}

func TestLightPackagesStayLight(t *testing.T) {
	packages := list(t)
	for _, l := range light {
		i := slices.IndexFunc(packages, func(p pkg) bool { return p.ImportPath == module+"/"+l.pkg })
		if i < 0 {
			t.Errorf("%s does not exist", l.pkg)
			continue
		}
		for _, banned := range l.banned {
			if slices.Contains(packages[i].Deps, banned) {
				t.Errorf("%s depends on %s", l.pkg, banned)
			}
		}
	}
}
