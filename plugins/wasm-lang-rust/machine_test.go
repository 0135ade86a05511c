// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zlayer/zlayer/sdk/toolchain/toolchaintest"
)

func TestMachineWithoutRust(t *testing.T) {
	const libdir = "echo /r/toolchains/stable-x/lib/rustlib/wasm32-wasip1/lib" // as rustup has it
	rustc := func(version string) string {
		return "case $1 in -vV) echo 'rustc " + version + " (x)';; *) " + libdir + ";; esac"
	}
	const cargo = "echo cargo 1.0.0"
	for _, test := range []struct {
		name          string
		programs      map[string]string
		message, help string
	}{
		{"nothing", nil, "cargo is not on PATH", "https://rustup.rs"},
		{"no target, by rustup", map[string]string{"cargo": cargo, "rustc": rustc("1.95.0"), "rustup": ""},
			"has no standard library for wasm32-wasip1", "run: rustup target add wasm32-wasip1 --toolchain stable-x"},
		{"no target", map[string]string{"cargo": cargo, "rustc": rustc("1.95.0")},
			"has no standard library for wasm32-wasip1", "libstd-rust-dev-wasm32"},
		{"old", map[string]string{"cargo": cargo, "rustc": rustc("1.63.0")},
			"Rust 1.78 or newer is needed", "https://rustup.rs"},
	} {
		t.Run(test.name, func(t *testing.T) {
			toolchaintest.Programs(t, test.programs)
			f := kit.Missing(t, kit.Start(t, toolchaintest.Project(t, hello())))
			if !strings.Contains(f.Message, test.message) || !strings.Contains(f.Help, test.help) {
				t.Errorf("%s; %s", f.Message, f.Help)
			}
		})
	}
}

func TestOldProjectsAreDropped(t *testing.T) {
	all := t.TempDir()
	old, own := filepath.Join(all, "old"), filepath.Join(all, "own")
	long := time.Now().Add(-2 * keepTargets)
	for _, dir := range []string{old, own, filepath.Join(all, "new")} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{old, own} {
		if err := os.Chtimes(dir, long, long); err != nil {
			t.Fatal(err)
		}
	}
	dropOld(all, own)
	// The lock stays: somebody may wait for it.
	got, err := filepath.Glob(filepath.Join(all, "*"))
	if want := []string{filepath.Join(all, "new"), filepath.Join(all, "old.lock"), own}; err != nil || !slices.Equal(got, want) {
		t.Errorf("kept %q, %v", got, err)
	}
}

func TestManifest(t *testing.T) {
	kit.Manifest(t, slices.Concat(passed, []string{rustcVariable})...)
}
