// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/driver"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/plugintest"
)

// warnings lists the warnings of a build.
func warnings(built *plugintest.Built) []string {
	var list []string
	for _, e := range built.Events {
		if w := e.GetWarning(); w != nil {
			d := w.Finding.Diagnostic
			list = append(list, d.Code+": "+d.Message)
		}
	}
	return list
}

// TestCopyMatchesNothing copies what may be there: it is no error while it is
// not, and copied when it is.
func TestCopyMatchesNothing(t *testing.T) {
	r := newRig(t)
	r.write(map[string]string{"package.json": "{}"})
	step := copyFiles("/app/", "package.json", "yarn.lock*")
	step.Range = &diagv1.Range{Line: 7}
	alone := copyFiles("/locks/", "*.lock")
	stages := []*irv1.ResolvedStage{stage(scratch(), step, alone), stage(scratch(), copyFrom(stageInput(0), "/", "app/y*"))}
	want := []string{
		`copy-matches-nothing: no file matches the source "yarn.lock*", so it copies nothing`,
		`copy-matches-nothing: no file matches the source "*.lock", so it copies nothing`,
	}
	first := r.must(stages...)
	if diff := cmp.Diff(append(slices.Clone(want), `copy-matches-nothing: no file matches the source "app/y*", so it copies nothing`), warnings(first)); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	for _, e := range first.Events {
		if w := e.GetWarning(); w != nil && w.Ref.Stage == 0 && w.Ref.Step == 0 && w.Finding.Diagnostic.Range.GetLine() != 7 {
			t.Errorf("the warning is at %v", w.Finding.Diagnostic.Range)
		}
	}
	if n := len(first.Artifact.Blobs); n != 0 {
		t.Errorf("%d layers of nothing", n)
	}
	again := r.must(stages...)
	if diff := cmp.Diff(want, warnings(again)); diff != "" || len(ran(again)) != 0 {
		t.Errorf("%v ran again; warnings (-want +got):\n%s", ran(again), diff)
	}
	r.write(map[string]string{"yarn.lock": "l"})
	later := r.must(stages...)
	if got := warnings(later); len(got) != 0 || len(ran(later)) != 3 || len(later.Artifact.Blobs) != 1 {
		t.Errorf("with the file there %v ran, with warnings %q", ran(later), got)
	}
}

// TestMountedFolder binds a folder of the context: the command sees its mode.
func TestMountedFolder(t *testing.T) {
	r := newRig(t)
	r.write(map[string]string{"d/f": "F"})
	if err := os.Chmod(filepath.Join(r.context, "d"), 0o750); err != nil {
		t.Fatal(err)
	}
	r.driver.on("look", func(_ context.Context, c driver.Command) ([]layer.Entry, error) {
		n, err := c.Mounts[0].Tree.Chain.Tree.Lstat(c.Mounts[0].Tree.Path)
		if err == nil && n.Mode != 0o750 {
			t.Errorf("the mode is %o", n.Mode)
		}
		return nil, err
	})
	mount := &irv1.ResolvedMount{Kind: irv1.MountKind_MOUNT_KIND_BIND, From: context0(), Source: "d", Target: "/m"}
	r.must(stage(scratch(), runWith(&irv1.Exec{Argv: []string{"look"}, Mounts: []*irv1.ResolvedMount{mount}})))
}
