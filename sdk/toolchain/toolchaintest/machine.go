// SPDX-License-Identifier: Apache-2.0

package toolchaintest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/ir"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// Programs makes a machine that has no other programs than these, shell scripts
// by name: it writes them into a new folder and makes that the whole PATH until
// the test ends. A script can use what the shell itself has, or absolute paths.
func Programs(t testing.TB, scripts map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range scripts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
}

// Missing checks a machine whose toolchain is not there or cannot be used, such
// as one that Programs made: Describe subtracts the language, Build fails as
// the machine's fault, and both say the same. It returns what they say.
func (k *Kit) Missing(t testing.TB, start *backendv1.Start) *backend.Failure {
	t.Helper()
	f := k.Fail(t, start)
	if f.Kind != backendv1.FailureKind_FAILURE_KIND_MACHINE || f.Help == "" {
		t.Errorf("%v: %s; %q: want a fault of the machine, with help", f.Kind, f.Message, f.Help)
	}
	got, err := k.Backend.Describe(t.Context(), &backendv1.DescribeRequest{StateDir: start.GetStateDir()})
	if err != nil || len(got.GetSubtracted()) != 1 {
		t.Fatalf("[B3] Describe = %v, %v; want one feature subtracted", got, err)
	}
	s := got.GetSubtracted()[0]
	if s.GetFeature() != "wasm."+k.Language || s.GetReason() == "" || s.GetMessage() != f.Message || s.GetAlternative() != f.Help {
		t.Errorf("[B3] Describe subtracts %v, but a build says %s; %s", s, f.Message, f.Help)
	}
	return f
}

// Tools builds, and checks that Describe names the tools of this machine as the
// build does: the host compares what it describes with what earlier builds read
// (SPEC B15).
func (k *Kit) Tools(t testing.TB, start *backendv1.Start) *Built {
	t.Helper()
	got, err := k.Backend.Describe(t.Context(), &backendv1.DescribeRequest{StateDir: start.GetStateDir()})
	if err != nil || len(got.GetSubtracted()) != 0 || len(got.GetTools()) == 0 {
		t.Fatalf("Describe = %v, %v; want tools", got, err)
	}
	built := k.Build(t, start)
	for _, tool := range got.GetTools() {
		if built.Inputs["tool "+tool.GetKey()] != tool.GetValue() {
			t.Errorf("[B15] the build read %v, the machine has %v", built.Inputs, tool)
		}
	}
	return built
}

// Manifest checks the manifest.json of the backend's source: it is valid but
// for the digests, which its build fills in; its features are known, and the
// language and preview1 among them; and it lists exactly the variables of the
// environment that the backend reads (SPEC B2).
func (k *Kit) Manifest(t testing.TB, reads ...string) {
	t.Helper()
	text, err := os.ReadFile("manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	var m manifest.Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	for i := range m.Files {
		m.Files[i].Digest = "sha256:" + strings.Repeat("0", 64)
	}
	if err := m.Validate(); err != nil {
		t.Error(err)
	}
	if got, want := sorted(m.Environment), sorted(reads); !slices.Equal(got, want) {
		t.Errorf("[B2] the manifest lists the variables\n%q, but the backend reads\n%q", got, want)
	}
	for _, f := range m.Capabilities.Features {
		if _, ok := ir.LookupFeature(f); !ok {
			t.Errorf("there is no feature %q", f)
		}
	}
	for _, f := range []string{"wasm." + k.Language, "wasm.preview1"} {
		if !slices.Contains(m.Capabilities.Features, f) {
			t.Errorf("the manifest does not list the feature %q", f)
		}
	}
}

// sorted returns the words, sorted, each once.
func sorted(words []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(words)))
}

// Running returns the processes of this machine whose command line is this,
// such as "sleep 6001", and that are not dead. It needs the program ps, on PATH
// or, where Programs made that, in /bin.
func Running(t testing.TB, command string) (processes []string) {
	t.Helper()
	ps, err := exec.LookPath("ps")
	if err != nil {
		ps = "/bin/ps"
	}
	out, err := exec.Command(ps, "-A", "-o", "stat=,args=").Output()
	if err != nil {
		t.Fatalf("listing processes: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		state, args, _ := strings.Cut(strings.TrimSpace(line), " ")
		if !strings.HasPrefix(state, "Z") && strings.TrimSpace(args) == command {
			processes = append(processes, strings.TrimSpace(line))
		}
	}
	return processes
}
