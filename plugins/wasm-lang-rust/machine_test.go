// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/ir"
	"github.com/zlayer/zlayer/sdk/manifest"
)

func TestMachineWithoutRust(t *testing.T) {
	s := start(t, write(t, hello()))
	t.Setenv("PATH", t.TempDir())
	f := mustFail(t, s, &events{})
	if f.Kind != backendv1.FailureKind_FAILURE_KIND_MACHINE || !strings.Contains(f.Help, "https://rustup.rs") {
		t.Errorf("%v: %s; %s", f.Kind, f.Message, f.Help)
	}
	got, err := rustBackend{}.Describe(t.Context(), &backendv1.DescribeRequest{StateDir: state})
	if err != nil || len(got.GetSubtracted()) != 1 {
		t.Errorf("Describe = %v, %v; want Rust subtracted", got, err)
	}
}

// A toolchain as rustup makes it, without the target.
func TestMachineWithoutTarget(t *testing.T) {
	for _, test := range []struct {
		rustup  bool
		version string
		message string
		help    string
	}{
		{true, "1.95.0", "has no standard library for wasm32-wasip1", "run: rustup target add wasm32-wasip1 --toolchain stable-x"},
		{false, "1.95.0", "has no standard library for wasm32-wasip1", "libstd-rust-dev-wasm32"},
		{false, "1.63.0", "Rust 1.78 or newer is needed", "https://rustup.rs"},
	} {
		dir := t.TempDir()
		script := func(name, text string) {
			if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		script("cargo", "echo cargo 1.0.0\n")
		script("rustc", "case $1 in -vV) echo 'rustc "+test.version+" (x)';; *) echo /r/toolchains/stable-x/lib/rustlib/wasm32-wasip1/lib;; esac\n")
		if test.rustup {
			script("rustup", "")
		}
		t.Setenv("PATH", dir)
		got, err := rustBackend{}.Describe(t.Context(), &backendv1.DescribeRequest{StateDir: state})
		if err != nil || len(got.GetSubtracted()) == 0 {
			t.Fatalf("Describe = %v, %v", got, err)
		}
		if s := got.GetSubtracted()[0]; !strings.Contains(s.GetMessage(), test.message) || !strings.Contains(s.GetAlternative(), test.help) {
			t.Errorf("%+v: %s; %s", test, s.GetMessage(), s.GetAlternative())
		}
	}
}

// The host compares the tools of a description, and variables, with what an
// earlier build read.
func TestDescribeNamesTheToolAsBuildDoes(t *testing.T) {
	got, err := rustBackend{}.Describe(t.Context(), &backendv1.DescribeRequest{StateDir: state})
	if err != nil || len(got.GetSubtracted()) != 0 || len(got.GetTools()) != 1 {
		t.Fatalf("Describe = %v, %v", got, err)
	}
	e := &events{}
	mustBuild(t, start(t, write(t, hello())), e)
	if tool := got.GetTools()[0]; e.inputs["tool "+tool.GetKey()] != tool.GetValue() {
		t.Errorf("the build read %v, the machine has %v", e.inputs, tool)
	}
	if e.inputs["env RUSTFLAGS"] == "" || e.inputs["env RUSTC"] == "" {
		t.Errorf("the build read %v", e.inputs)
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
	if got := names(all); slices.Contains(got, "old") || !slices.Contains(got, "new") || !slices.Contains(got, "own") {
		t.Errorf("kept %q", got)
	}
}

// The manifest is valid and names every variable and feature of the code.
func TestManifest(t *testing.T) {
	text, err := os.ReadFile("manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	var m manifest.Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	m.Files[0].Digest = "sha256:" + strings.Repeat("0", 64) // the bundler's part
	if err := m.Validate(); err != nil {
		t.Error(err)
	}
	want := slices.Sorted(slices.Values(append(slices.Clone(passed), rustcVariable)))
	if diff := cmp.Diff(want, slices.Sorted(slices.Values(m.Environment))); diff != "" {
		t.Error(diff)
	}
	for _, f := range append(m.Capabilities.Features, featureRust) {
		if _, ok := ir.LookupFeature(f); !ok {
			t.Errorf("there is no feature %q", f)
		}
	}
}
