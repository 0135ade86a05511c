// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/toolchain"
	"github.com/zlayer/zlayer/sdk/toolchain/toolchaintest"
)

var (
	kit    = &toolchaintest.Kit{Backend: rustBackend{}, Language: language}
	update = flag.Bool("update", false, "rewrite the want sections of testdata")
)

func TestMain(m *testing.M) {
	toolchain.Guard()
	wrapRustc()
	useFetchedToolchain()
	os.Exit(kit.Main(m))
}

// useFetchedToolchain puts what "make rust-wasm" made first on PATH, where it
// made something.
func useFetchedToolchain() {
	bin, err := filepath.Abs("../../.tools/rust-wasm/bin")
	if err != nil {
		panic(err)
	}
	if _, err := os.Stat(filepath.Join(bin, "rustc")); err == nil {
		os.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	}
}

const cargoToml = "[package]\nname = \"hello\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"

const helloRust = `fn main() {
    println!("hello {:?}", std::env::args().skip(1).collect::<Vec<_>>());
}
`

// hello are the files of a project that says hello, and more files.
func hello(more ...string) map[string]string {
	files := map[string]string{"Cargo.toml": cargoToml, "src/main.rs": helloRust}
	for i := 0; i < len(more); i += 2 {
		files[more[i]] = more[i+1]
	}
	return files
}

// output builds, runs the module and returns what it wrote.
func output(t *testing.T, s *backendv1.Start, args ...string) string {
	t.Helper()
	module := kit.Build(t, s).Module
	ctx := t.Context()
	r := wazero.NewRuntime(ctx)
	defer r.Close(ctx)
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	var out bytes.Buffer
	config := wazero.NewModuleConfig().WithArgs(append([]string{"program"}, args...)...).WithStdout(&out)
	if _, err := r.InstantiateWithConfig(ctx, module, config); err != nil && !strings.Contains(err.Error(), "exit_code(0)") {
		t.Fatal(err)
	}
	return out.String()
}
