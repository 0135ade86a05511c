// SPDX-License-Identifier: Apache-2.0

//go:build unix

package toolchain_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/toolchain"
)

func wasm(language, target string, options ...*irv1.ResolvedWasmOption) *irv1.ResolvedBuild {
	return &irv1.ResolvedBuild{Kind: &irv1.ResolvedBuild_Wasm{Wasm: &irv1.ResolvedWasm{Language: language, Target: target, Options: options}}}
}

func TestAccept(t *testing.T) {
	here := []*backendv1.Context{{Path: "."}}
	for _, test := range []struct {
		name  string
		start *backendv1.Start
		says  string
	}{
		{"a container", &backendv1.Start{Build: &irv1.ResolvedBuild{}, Contexts: here}, "not container images"},
		{"another language", &backendv1.Start{Build: wasm("c", "preview1"), Contexts: here}, `language "zig", not "c"`},
		{"another target", &backendv1.Start{Build: wasm("zig", "preview2"), Contexts: here}, `not "preview2"`},
		{"no context", &backendv1.Start{Build: wasm("zig", "preview1")}, "one context, not 0"},
		{"no folder", &backendv1.Start{Build: wasm("zig", "preview1"), Contexts: []*backendv1.Context{{Path: "/no/such"}}}, "reading the project"},
	} {
		if dir, err := toolchain.Accept(test.start, "zig"); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %q, %v", test.name, dir, err)
		}
	}
	dir, err := toolchain.Accept(&backendv1.Start{Build: wasm("zig", "preview1"), Contexts: here}, "zig")
	if err != nil || !strings.HasSuffix(dir, "/toolchain") {
		t.Errorf("Accept = %q, %v", dir, err)
	}
}

func TestOption(t *testing.T) {
	s := &backendv1.Start{Build: wasm("zig", "preview1", &irv1.ResolvedWasmOption{Name: "profile", Values: []string{"debug"}})}
	if got := toolchain.Option(s, "profile"); got != "debug" {
		t.Errorf("profile is %q", got)
	}
	if got := toolchain.Option(s, "program"); got != "" {
		t.Errorf("program is %q", got)
	}
}

func TestDescribe(t *testing.T) {
	got, err := toolchain.Describe("zig", "0.15", nil)
	if err != nil || got.GetTools()[0].GetKey() != "zig" || got.GetTools()[0].GetValue() != "0.15" || got.GetSubtracted() != nil {
		t.Errorf("%v, %v", got, err)
	}
	missing := backend.Machinef(nil, "there is none")
	missing.Help = "get it"
	got, err = toolchain.Describe("zig", "", missing)
	if s := got.GetSubtracted(); err != nil || len(s) != 1 || s[0].GetFeature() != "wasm.zig" || s[0].GetReason() != "no-zig-toolchain" ||
		s[0].GetMessage() != "there is none" || s[0].GetAlternative() != "get it" || got.GetTools() != nil {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := toolchain.Describe("zig", "", errors.New("odd")); err == nil || got != nil {
		t.Errorf("%v, %v", got, err)
	}
}

func TestFailureOf(t *testing.T) {
	finding := func(file, message string) *backendv1.Finding {
		d := diag.Error(&diagv1.Range{Line: 1, Column: 1}, "c", message)
		if file == "" {
			d.Range, d.Help = nil, "do it"
		}
		return backend.At(file, d)
	}
	for _, test := range []struct {
		name          string
		said          string
		findings      []*backendv1.Finding
		message, help string
		files         []string
	}{
		{name: "silent", message: "it failed without saying why"},
		{name: "only words", said: "no space", message: "no space"},
		{name: "one", said: "x", findings: []*backendv1.Finding{finding("a", "no semicolon")}, message: "no semicolon", files: []string{"a"}},
		{name: "one without a place", findings: []*backendv1.Finding{finding("", "no main")}, message: "no main", help: "do it"},
		{name: "several", findings: []*backendv1.Finding{finding("b", "x"), finding("a", "y")}, message: "2 errors", files: []string{"a", "b"}},
	} {
		f := toolchain.FailureOf(test.said, test.findings)
		var files []string
		for _, x := range f.Findings {
			files = append(files, x.GetFile())
		}
		if f.Kind != backendv1.FailureKind_FAILURE_KIND_SOURCE || f.Message != test.message || f.Help != test.help || !slices.Equal(files, test.files) {
			t.Errorf("%s: %+v", test.name, f)
		}
	}
}

func TestCauses(t *testing.T) {
	causes := toolchain.Causes{
		{Says: "dial tcp", Kind: backendv1.FailureKind_FAILURE_KIND_MACHINE, Help: "check the network"},
		{Says: "tcp", Kind: backendv1.FailureKind_FAILURE_KIND_SOURCE, Help: "never"},
	}
	f := backend.Sourcef(nil, "no")
	if causes.Explain(f, "something else") || f.Help != "" {
		t.Errorf("explained: %+v", f)
	}
	if !causes.Explain(f, "x: dial tcp: no") || f.Help != "check the network" || f.Kind != backendv1.FailureKind_FAILURE_KIND_MACHINE {
		t.Errorf("not explained: %+v", f)
	}
	f.Help = "its own"
	if causes.Explain(f, "dial tcp"); f.Help != "its own" {
		t.Errorf("the help was replaced: %+v", f)
	}
}

// A compiler that somebody killed says nothing about the source.
func TestFailed(t *testing.T) {
	s := toolchain.Step{Number: 2, Name: "compile"}
	why := func() *backend.Failure { return backend.Sourcef(nil, "3 errors") }
	f := failure(t, s.Failed(&toolchain.ExitError{Code: 1}, why))
	if f.ExitCode != 1 || f.Message != "3 errors" || f.Ref.GetStep() != 2 {
		t.Errorf("%+v", f)
	}
	f = failure(t, s.Failed(&toolchain.ExitError{Code: 137}, why))
	if f.Kind != backendv1.FailureKind_FAILURE_KIND_MACHINE || f.Message != "the program was ended by signal 9" || f.Help == "" {
		t.Errorf("%+v", f)
	}
	other := errors.New("other")
	if err := s.Failed(other, why); !errors.Is(err, other) {
		t.Errorf("Failed = %v", err)
	}
	if err := s.Failed(nil, why); err != nil {
		t.Errorf("Failed = %v", err)
	}
}
