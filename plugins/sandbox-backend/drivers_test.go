// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/driver"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/none"
	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
	"github.com/zlayer/zlayer/sdk/manifest"
	"github.com/zlayer/zlayer/sdk/plugintest"
)

func TestManifest(t *testing.T) {
	m, err := manifest.Parse(bytesWithDigest(manifestText))
	if err == nil {
		err = m.Validate()
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range m.Capabilities.Features {
		if _, ok := ir.LookupFeature(id); !ok {
			t.Errorf("the feature %q is unknown", id)
		}
	}
	for _, name := range []string{driverVariable, filesVariable} {
		if !slices.Contains(m.Environment, name) {
			t.Errorf("the manifest does not ask for %s", name)
		}
	}
}

// bytesWithDigest is what "plugin seal" makes of a manifest.
func bytesWithDigest(text []byte) []byte {
	return []byte(strings.ReplaceAll(string(text), `"digest": ""`, `"digest": "sha256:`+strings.Repeat("0", 64)+`"`))
}

func TestChoose(t *testing.T) {
	native, _ := nativeDriver()
	tests := []struct{ name, problem string }{
		{"", ""}, {"none", ""}, {"None", "there is no such driver"}, {"docker", "there is no such driver"},
		{"linux", ""}, {"macos", ""},
	}
	for _, tt := range tests {
		if (tt.name == nameLinux || tt.name == nameMacOS) && tt.name != native {
			tt.problem = "for another system"
		}
		d, err := choose(tt.name, []string{"exec"})
		if (err == nil) != (d != nil) || (err == nil) != (tt.problem == "") || err != nil && !strings.Contains(err.Error(), tt.problem) {
			t.Errorf("choose(%q) = %T, %v; want problem %q", tt.name, d, err, tt.problem)
		}
		if _, isNone := d.(none.Driver); tt.name == "none" && !isNone {
			t.Errorf("choose(%q) = %T", tt.name, d)
		}
	}
}

// TestSettings: what cannot be is said by every call, with the name of the
// variable.
func TestSettings(t *testing.T) {
	for _, tt := range []struct {
		settings
		copies bool
		wrong  string
	}{
		{settings{}, false, ""},
		{settings{driver: nameNone, files: "copy"}, true, ""},
		{settings{driver: "docker"}, false, driverVariable + "=docker: there is no such driver"},
		{settings{files: "Copy"}, false, filesVariable + "=Copy: there is no such way; leave the variable unset, or set it to copy"},
		{settings{driver: "docker", files: "overlay"}, false, filesVariable + "=overlay: "},
	} {
		s := newSandbox(tt.settings)
		_, err := s.Describe(t.Context(), nil)
		if s.copies != tt.copies || (err == nil) != (tt.wrong == "") || err != nil && !strings.Contains(err.Error(), tt.wrong) {
			t.Errorf("%+v: copies is %v, Describe answers %v", tt.settings, s.copies, err)
		}
	}
}

// TestCopies: each command is told, and may say that it could not do otherwise.
func TestCopies(t *testing.T) {
	for _, copies := range []bool{false, true} {
		r := newRig(t)
		r.backend.copies = copies
		for _, name := range []string{"a", "b"} {
			r.driver.on(name, func(_ context.Context, c driver.Command) ([]layer.Entry, error) {
				if c.Copy != copies {
					t.Errorf("Copy is %v", c.Copy)
				}
				c.Copied("this machine has no overlay")
				return []layer.Entry{file(name, name)}, nil
			})
		}
		step := run("b")
		step.Range = &diagv1.Range{Line: 3}
		built := r.must(stage(scratch(), step, run("a")))
		want := []string{"files-copied: commands get a copy of their files, which takes longer: this machine has no overlay"}
		if diff := cmp.Diff(want, warnings(built)); diff != "" {
			t.Errorf("warnings (-want +got):\n%s", diff)
		}
		for _, e := range built.Events {
			if w := e.GetWarning(); w != nil && w.Finding.Diagnostic.Range.GetLine() != 3 {
				t.Errorf("the warning is at %v", w.Finding.Diagnostic.Range)
			}
		}
	}
}

func withNone(t testing.TB) *rig {
	r := newRig(t)
	var d driver.Driver
	d, r.backend.broken = choose(nameNone, r.backend.features)
	r.backend.driver = d
	return r
}

// Without commands everything else works, for every platform.
func TestNoneBuildsForAnyPlatform(t *testing.T) {
	for _, name := range []string{"linux/arm64/v8", "linux/s390x", "darwin/arm64", "freebsd/amd64"} {
		r := withNone(t)
		r.write(map[string]string{"a": "A"})
		p, err := ir.ParsePlatform(name, platform)
		if err != nil {
			t.Fatal(err)
		}
		s := stage(scratch(), workdir("/w"), copyFiles("/w/", "a"), metadata())
		s.Platform = p
		if got, want := contents(t, r.must(s)), "[w/][w/ w/a=A]"; got != want {
			t.Errorf("%s: layers are %s, want %s", name, got, want)
		}
	}
}

func TestNoneSubtractsCommands(t *testing.T) {
	r := withNone(t)
	d, err := r.backend.Describe(t.Context(), &backendv1.DescribeRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var gone []string
	for _, s := range d.Subtracted {
		gone = append(gone, s.Feature)
		if s.Reason != "no-sandbox" || s.Message == "" || s.Alternative == "" {
			t.Errorf("%s is subtracted with %q, %q, %q", s.Feature, s.Reason, s.Message, s.Alternative)
		}
	}
	for _, f := range r.backend.features {
		if isExec, _ := path.Match("exec*", f); isExec != slices.Contains(gone, f) {
			t.Errorf("%s: subtracted is %v", f, !isExec)
		}
	}
	for _, p := range d.Platforms {
		if p.Run != backendv1.RunMode_RUN_MODE_NONE {
			t.Errorf("commands of %v are said to run", p.Platform)
		}
	}
}

// What cannot be built is refused before the first step.
func TestRefused(t *testing.T) {
	other := &irv1.Platform{Os: "linux", Architecture: "pdp11"}
	cannot := stage(scratch(), copyFiles("/", "a"), run("x"))
	cannot.Platform = other
	unknown := func(s *backendv1.Start) { s.Build.Features = append(s.Build.Features, "vendor.example/x") }
	tests := []struct {
		name   string
		rig    func(testing.TB) *rig
		stage  *irv1.ResolvedStage
		change func(*backendv1.Start)
		step   int
		want   string
	}{
		{"no driver", withNone, stage(scratch(), copyFiles("/", "a"), run("x")), nil, 1, "exec is not possible here"},
		{"platform", newRig, cannot, nil, 1, "commands of platform linux/pdp11 do not run on this machine"},
		{"feature", newRig, stage(scratch()), unknown, -1, `does not know the feature "vendor.example/x"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := tt.rig(t)
			r.write(map[string]string{"a": "A"})
			start := r.start(tt.stage)
			if tt.change != nil {
				tt.change(start)
			}
			job := &plugintest.Job{}
			_, err := r.backend.Build(t.Context(), start, job)
			var f *backend.Failure
			if !errors.As(err, &f) || f.Kind != backendv1.FailureKind_FAILURE_KIND_MACHINE || !strings.Contains(f.Message, tt.want) {
				t.Fatalf("the build ended with %v", err)
			}
			if (f.Ref == nil) != (tt.step < 0) || f.Ref != nil && f.Ref.Step != uint32(tt.step) {
				t.Errorf("the failure is at %v, want step %d", f.Ref, tt.step)
			}
			if n := len(job.Events()); n > 0 {
				t.Errorf("the build began: %d events", n)
			}
		})
	}
}
