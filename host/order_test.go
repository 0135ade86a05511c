// SPDX-License-Identifier: Apache-2.0

package host

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zlayer/zlayer/host/internal/keys"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// Platforms are spelled in one way, and each counts once.
func TestPlatforms(t *testing.T) {
	here := "linux/" + buildPlatform().Architecture
	for _, tt := range []struct{ given, want []string }{
		{nil, nil},
		{[]string{"linux/arm64"}, []string{"linux/arm64"}},
		{[]string{"aarch64", "linux/arm64/v8", "Linux/ARM64"}, []string{"linux/arm64"}},
		{[]string{"linux/arm", "linux/amd64", "linux/arm/v7", "linux/arm/v6", "x86_64"}, []string{"linux/arm/v7", "linux/amd64", "linux/arm/v6"}},
		{[]string{"linux", here}, []string{here}},
	} {
		r, err := Request{Platforms: tt.given, Target: "t"}.normal()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, r.Platforms); diff != "" {
			t.Errorf("%q: %s", tt.given, diff)
		}
		if again, err := r.normal(); err != nil || !slices.Equal(again.Platforms, r.Platforms) {
			t.Errorf("%q: a second time it is %q, %v", tt.given, again.Platforms, err)
		}
		all := r.each()
		if len(all) != max(1, len(tt.want)) {
			t.Errorf("%q: %d requests", tt.given, len(all))
		}
		for i, one := range all {
			if one.Target != "t" || one.several() || len(tt.want) > 0 && one.Platforms[0] != tt.want[i] {
				t.Errorf("%q: request %d is %+v", tt.given, i, one)
			}
		}
	}
	var input *InputError
	if _, err := (Request{Platforms: []string{"linux/amd64", "a/b/c/d"}}).normal(); !errors.As(err, &input) || !strings.Contains(err.Error(), "a/b/c/d") {
		t.Errorf("got %v", err)
	}
}

// built is an order whose builds found and read something.
func built(emit *emitter, builds ...*build) *order {
	o := &order{checked: &Checked{}, emit: emit, builds: builds}
	for _, b := range builds {
		b.emit = emit.of(b.platform)
	}
	return o
}

// What was found for every platform is told once, and of none.
func TestTell(t *testing.T) {
	general, special := diag.Warning(nil, "general", "x"), diag.Warning(nil, "special", "y")
	var told []string
	emit := newEmitter(func(e Event) { told = append(told, e.Platform+" "+e.Diagnostic.GetCode()) })
	found := func(list ...*diagv1.Diagnostic) *Resolved { return &Resolved{Diagnostics: list} }
	built(emit, &build{platform: "a", resolved: found(general)}, &build{platform: "b", resolved: found(special, general.CloneVT())}).tell()
	if diff := cmp.Diff([]string{" general", "b special"}, told); diff != "" {
		t.Error(diff)
	}
}

// Files that changed between two builds are noticed; other files are not
// compared.
func TestDrifted(t *testing.T) {
	container := &irv1.ResolvedContainer{Contexts: []string{"", "more"}}
	resolved := &Resolved{Build: &irv1.ResolvedBuild{Kind: &irv1.ResolvedBuild_Container{Container: container}}}
	read := func(context int, digest string, paths ...string) *build {
		return &build{resolved: resolved, read: []keys.Input{{Context: context, Paths: paths, Digest: digest}}}
	}
	for name, tt := range map[string]struct {
		builds []*build
		want   bool
	}{
		"one":           {[]*build{read(0, "x", "a")}, false},
		"the same":      {[]*build{read(0, "x", "a"), read(0, "x", "a")}, false},
		"other files":   {[]*build{read(0, "x", "a"), read(0, "y", "b")}, false},
		"other context": {[]*build{read(0, "x", "a"), read(1, "y", "a")}, false},
		"changed":       {[]*build{read(0, "x", "a"), read(1, "x", "b"), read(0, "y", "a")}, true},
	} {
		if got := built(newEmitter(nil), tt.builds...).drifted(); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
