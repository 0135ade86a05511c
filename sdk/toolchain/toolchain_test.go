// SPDX-License-Identifier: Apache-2.0

//go:build unix

package toolchain_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/toolchain"
)

// log is a Job that records what it hears.
type log struct {
	backend.Job
	lines []string
}

func (l *log) StepStarted(_ *backendv1.StepRef, name string) {
	l.lines = append(l.lines, "start "+name)
}
func (l *log) StepFinished(*backendv1.StepRef, bool) { l.lines = append(l.lines, "done") }
func (l *log) Output(_ *backendv1.StepRef, stderr bool, data []byte) {
	l.lines = append(l.lines, map[bool]string{false: "out ", true: "err "}[stderr]+string(data))
}

func (l *log) Warn(_ *backendv1.StepRef, f *backendv1.Finding) {
	l.lines = append(l.lines, "warn "+f.GetDiagnostic().GetMessage())
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	if err := os.WriteFile(filepath.Join(dir, "compiler"), []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{"compiler", filepath.Join(dir, "compiler")} {
		if path, err := toolchain.Find(program, ""); err != nil || path != filepath.Join(dir, "compiler") {
			t.Errorf("Find(%q) = %q, %v", program, path, err)
		}
	}
	for program, says := range map[string]string{"missing": "missing is not on PATH", "/no/such": "/no/such is not a program that can be run"} {
		_, err := toolchain.Find(program, "get it")
		if f := failure(t, err); f.Message != says || f.Help != "get it" {
			t.Errorf("%s; %s", f.Message, f.Help)
		}
	}
}

func failure(t *testing.T, err error) *backend.Failure {
	t.Helper()
	var f *backend.Failure
	if !errors.As(err, &f) {
		t.Fatalf("%v is no failure", err)
	}
	return f
}

func TestEnviron(t *testing.T) {
	t.Setenv("TOOL_A", "1")
	t.Setenv("TOOL_B", "x=y")
	t.Setenv("TOOLS", "")
	got := toolchain.Environ("TOOL_*", "TOOLS", "TOOL_NONE", "TOO")
	slices.Sort(got)
	if want := []string{"TOOLS=", "TOOL_A=1", "TOOL_B=x=y"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestAsk(t *testing.T) {
	if out, err := toolchain.Ask(t.Context(), shell("echo 1.2; echo later >&2")); err != nil || out != "1.2" {
		t.Errorf("%q, %v", out, err)
	}
	_, err := toolchain.Ask(t.Context(), shell("echo first >&2; echo the reason >&2; echo >&2; exit 4"))
	if f := failure(t, err); !strings.HasSuffix(f.Message, ": the reason") || f.ExitCode != 4 || f.Kind != backendv1.FailureKind_FAILURE_KIND_MACHINE {
		t.Errorf("%v: %s (%d)", f.Kind, f.Message, f.ExitCode)
	}
}

func TestStep(t *testing.T) {
	l := &log{}
	s := toolchain.Step{Job: l, Number: 2, Name: "compile"}
	bad := errors.New("bad")
	if err := s.Do(t.Context(), func(context.Context) error { s.Show(true)([]byte("hm")); return bad }); !errors.Is(err, bad) {
		t.Errorf("Do = %v", err)
	}
	if err := s.Do(t.Context(), func(context.Context) error { s.Show(false)([]byte("ok")); return nil }); err != nil {
		t.Errorf("Do = %v", err)
	}
	if want := []string{"start compile", "err hm", "start compile", "out ok", "done"}; !slices.Equal(l.lines, want) {
		t.Errorf("%q, want %q", l.lines, want)
	}
}

// Pieces of modules.
const (
	head    = "\x00asm\x01\x00\x00\x00"
	start   = "\x07\x0a\x01\x06_start\x00\x00"
	foreign = "\x02\x09\x01\x03env\x01f\x00\x00"
)

func TestCheckPreview1(t *testing.T) {
	l := &log{}
	s := toolchain.Step{Job: l, Name: "compile"}
	check := func(text string) error {
		file := filepath.Join(t.TempDir(), "m")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return s.CheckPreview1(file)
	}
	if err := check(head + start); err != nil || l.lines != nil {
		t.Errorf("a command: %v, %q", err, l.lines)
	}
	if f := failure(t, check(head)); !strings.Contains(f.Message, "no _start") {
		t.Errorf("a library: %s", f.Message)
	}
	if err := check("\x00asm\x0d\x00\x01\x00"); err == nil {
		t.Error("a component passes")
	}
	if err := check(head + foreign + start); err != nil || len(l.lines) != 1 || !strings.Contains(l.lines[0], "imports from env") {
		t.Errorf("a command for another host: %v, %q", err, l.lines)
	}
}

// A step that makes a module keeps it, and leaves nothing when it does not.
func TestMake(t *testing.T) {
	for _, test := range []struct {
		name, module string
		err          error
		says         string
	}{
		{name: "a command", module: head + start},
		{name: "a library", module: head, says: "no _start"},
		{name: "nothing", err: errors.New("no compiler"), says: "no compiler"},
	} {
		t.Run(test.name, func(t *testing.T) {
			begin := &backendv1.Start{StateDir: t.TempDir(), JobId: "j"}
			s := toolchain.Step{Job: &log{}, Number: 4, Name: "compile"}
			artifact, err := s.Make(t.Context(), begin, func(_ context.Context, dir string) (string, error) {
				file := filepath.Join(dir, "m")
				return file, errors.Join(test.err, os.WriteFile(file, []byte(test.module), 0o600))
			})
			if test.says != "" {
				if err == nil || !strings.Contains(err.Error(), test.says) || artifact != nil {
					t.Errorf("Make = %v, %v", artifact, err)
				}
				return
			}
			if err != nil || artifact.GetBlobs()[0].GetSize() != int64(len(test.module)) || artifact.GetBlobs()[0].GetRef().GetStep() != 4 {
				t.Errorf("Make = %v, %v", artifact, err)
			}
			if left, _ := os.ReadDir(filepath.Join(begin.GetStateDir(), "jobs")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}
