// SPDX-License-Identifier: Apache-2.0

//go:build unix

package toolchaintest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/toolchain/toolchaintest"
)

var kit = &toolchaintest.Kit{Backend: zigBackend{}, Language: "zig"}

func TestMain(m *testing.M) { os.Exit(kit.Main(m)) }

func project(t testing.TB) string {
	return toolchaintest.Project(t, map[string]string{"main.zig": command, "lib/a.zig": ""})
}

func TestGoodBackend(t *testing.T) {
	toolchaintest.Programs(t, map[string]string{"zig": compiler})
	built := kit.Tools(t, kit.Start(t, project(t), "profile=debug"))
	if built.Output != "profile=debug\n" || !slices.Equal(built.Steps, []string{"zig build-exe"}) || built.Inputs["tool zig"] != "0.15.2" {
		t.Errorf("heard %+v", built.Heard)
	}
	if !strings.HasPrefix(string(built.Module), "\x00asm") {
		t.Errorf("the module is %q", built.Module)
	}
	kit.Life(t, kit.Start(t, project(t)))
	kit.Failures(t, false, "broken", "BROKEN")
}

// With update a golden says what the user reads, and all else in it stays.
func TestUpdate(t *testing.T) {
	toolchaintest.Programs(t, map[string]string{"zig": compiler})
	t.Chdir(t.TempDir())
	const head = "comment\n-- main.zig --\nerror: no\n-- want --\n"
	file := filepath.Join("testdata", "x.txtar")
	if err := errors.Join(os.Mkdir("testdata", 0o700), os.WriteFile(file, []byte(head+"old\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	kit.Failures(t, true)
	kit.Failures(t, false)
	if got, err := os.ReadFile(file); err != nil || !strings.HasPrefix(string(got), head+"FAILURE_KIND_SOURCE\n") {
		t.Errorf("%s, %v", got, err)
	}
}

func TestManifest(t *testing.T) {
	for name, test := range map[string]struct{ features, environment, says string }{
		"good":             {`"wasm.zig", "wasm.preview1"`, `"PATH"`, ""},
		"unknown feature":  {`"wasm.zig", "wasm.preview1", "wasm.speed"`, `"PATH"`, "wasm.speed"},
		"no target":        {`"wasm.zig"`, `"PATH"`, "wasm.preview1"},
		"no language":      {`"wasm.preview1"`, `"PATH"`, "wasm.zig"},
		"missing variable": {`"wasm.zig", "wasm.preview1"`, ``, "[B2]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			text := `{"schema": 1, "id": "zig", "kind": "backend", "version": "0.1.0", "summary": "zig", "protocol": {"major": 1, "minor": 0},
				"files": [{"path": "zig", "digest": "", "role": "main"}],
				"capabilities": {"features": [` + test.features + `]}, "environment": [` + test.environment + `]}`
			if err := os.WriteFile("manifest.json", []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			said := try(t, badBackend{}, func(k *toolchaintest.Kit, t testing.TB) { k.Manifest(t, "PATH") })
			if (said == "") != (test.says == "") || !strings.Contains(said, test.says) {
				t.Errorf("the kit says %q, want %q", said, test.says)
			}
		})
	}
}

func TestMachineOfABackend(t *testing.T) {
	toolchaintest.Programs(t, nil)
	if f := kit.Missing(t, kit.Start(t, project(t))); f.Message != "zig is not on PATH" {
		t.Errorf("%s", f.Message)
	}
}

func TestCancelOfABackend(t *testing.T) {
	toolchaintest.Programs(t, map[string]string{"zig": "[ $1 = version ] && echo 0.15.2 || exec /bin/sleep 6003"})
	asleep := func() bool { return len(toolchaintest.Running(t, "/bin/sleep 6003")) > 0 }
	kit.Cancel(t, kit.Start(t, project(t)), asleep)
	if asleep() {
		t.Error("it still runs")
	}
}

// trial is a test that may fail.
type trial struct {
	testing.TB
	said []string
}

// ended is what a trial panics with when the test ends.
type ended struct{}

func (r *trial) Helper()                   {}
func (r *trial) Error(args ...any)         { r.said = append(r.said, fmt.Sprint(args...)) }
func (r *trial) Errorf(f string, a ...any) { r.said = append(r.said, fmt.Sprintf(f, a...)) }
func (r *trial) Fatalf(f string, a ...any) { r.Errorf(f, a...); panic(ended{}) }

// try runs a test of a backend that may fail and returns what it said.
func try(t *testing.T, b badBackend, test func(*toolchaintest.Kit, testing.TB)) string {
	t.Helper()
	toolchaintest.Programs(t, map[string]string{"zig": compiler})
	r := &trial{TB: t}
	func() {
		defer func() {
			if v := recover(); v != nil && v != (ended{}) {
				panic(v)
			}
		}()
		test(&toolchaintest.Kit{Backend: b, Language: "zig", State: t.TempDir()}, r)
	}()
	return strings.Join(r.said, "\n")
}

// write writes an empty file.
func write(path ...string) error { return os.WriteFile(filepath.Join(path...), nil, 0o600) }

// A kit finds what a build leaves that it should not.
func TestLeftovers(t *testing.T) {
	folder := func(s *backendv1.Start) string { return s.GetContexts()[0].GetPath() }
	for _, test := range []struct {
		name string
		more func(*backendv1.Start) error
		says string
	}{
		{"writes into the project", func(s *backendv1.Start) error { return write(folder(s), "zig.lock") }, "[B8] the build wrote "},
		{"changes the project", func(s *backendv1.Start) error { return write(folder(s), "main.zig") }, "[B8] the build changed "},
		{"removes from the project", func(s *backendv1.Start) error { return os.Remove(filepath.Join(folder(s), "lib", "a.zig")) }, "a.zig"},
		{"leaves temporary files", func(s *backendv1.Start) error { return write(s.GetTempDir(), "x") }, "behind"},
		{"leaves a job", func(s *backendv1.Start) error { return os.Mkdir(filepath.Join(s.GetStateDir(), "jobs", "j"), 0o700) }, filepath.Join("jobs", "j")},
	} {
		t.Run(test.name, func(t *testing.T) {
			said := try(t, badBackend{more: test.more}, func(k *toolchaintest.Kit, r testing.TB) { k.Build(r, k.Start(r, project(r))) })
			if !strings.Contains(said, test.says) {
				t.Errorf("the kit says %q, want %q", said, test.says)
			}
		})
	}
}

// A kit finds builds that end as they should not.
func TestWrongEnds(t *testing.T) {
	build := func(k *toolchaintest.Kit, t testing.TB) { k.Build(t, k.Start(t, project(t))) }
	fail := func(k *toolchaintest.Kit, t testing.TB) { k.Fail(t, k.Start(t, project(t))) }
	no := func(context.Context) error { return backend.Sourcef(nil, "no") }
	odd := func(ctx context.Context) error { return errors.New("odd") }
	for _, test := range []struct {
		name string
		bad  badBackend
		run  func(*toolchaintest.Kit, testing.TB)
		says string
	}{
		{"fails", badBackend{instead: no}, build, "no"},
		{"does not fail", badBackend{}, fail, "want a *backend.Failure"},
		{"fails without saying whose fault it is", badBackend{instead: odd}, fail, "want a *backend.Failure"},
		{"keeps the module of a build that fails", badBackend{more: func(*backendv1.Start) error { return backend.Sourcef(nil, "no") }}, fail, "keeps a module"},
		{"blames the source for the machine", badBackend{instead: no}, func(k *toolchaintest.Kit, t testing.TB) {
			toolchaintest.Programs(t, nil)
			k.Missing(t, k.Start(t, project(t)))
		}, "want a fault of the machine"},
		{"ends too early to be cancelled", badBackend{}, func(k *toolchaintest.Kit, t testing.TB) {
			k.Cancel(t, k.Start(t, project(t)), func() bool { return false })
		}, "before it could be cancelled"},
		{"ends otherwise when cancelled", badBackend{instead: odd}, func(k *toolchaintest.Kit, t testing.TB) {
			k.Cancel(t, k.Start(t, project(t)), func() bool { return true })
		}, "[B6]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if said := try(t, test.bad, test.run); !strings.Contains(said, test.says) {
				t.Errorf("the kit says %q, want %q", said, test.says)
			}
		})
	}
}

// A module that no host can run is no result.
func TestLibrary(t *testing.T) {
	toolchaintest.Programs(t, map[string]string{"zig": compiler})
	f := kit.Fail(t, kit.Start(t, toolchaintest.Project(t, map[string]string{"main.zig": library})))
	if !strings.Contains(f.Message, "_start") {
		t.Error(f.Message)
	}
}

func TestRunningKnowsTheWholeLine(t *testing.T) {
	if found := toolchaintest.Running(t, "no such command line"); found != nil {
		t.Errorf("found %q", found)
	}
}
