// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/plugintest"
)

// start asks for an image from scratch: WORKDIR /app, COPY sources to /app/.
func start(t *testing.T, sources ...string) *backendv1.Start {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"hello": "hello\n", "lib/a": "a", "lib/b": "b"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	steps := []*irv1.ResolvedStep{
		{Op: &irv1.ResolvedStep_MakeDir{MakeDir: &irv1.MakeDir{Path: "/app"}}},
		{Op: &irv1.ResolvedStep_Transfer{Transfer: &irv1.Transfer{
			From: &irv1.Input{Kind: irv1.InputKind_INPUT_KIND_CONTEXT}, Sources: sources, Destination: "/app/",
		}}},
	}
	return &backendv1.Start{
		Contexts: []*backendv1.Context{{Path: dir, Ignore: []string{"lib/b"}}},
		Build: &irv1.ResolvedBuild{Features: []string{"copy", "make-dir"}, Kind: &irv1.ResolvedBuild_Container{
			Container: &irv1.ResolvedContainer{Contexts: []string{""}, Stages: []*irv1.ResolvedStage{{
				Name: "0", Base: &irv1.Input{Kind: irv1.InputKind_INPUT_KIND_SCRATCH}, Steps: steps,
			}}},
		}},
	}
}

// list are the names in a layer.
func list(t *testing.T, layer []byte) (names []string) {
	t.Helper()
	for r := tar.NewReader(bytes.NewReader(layer)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
	}
}

func TestCopy(t *testing.T) {
	s := start(t, "hello", "li*")
	s.StateDir, s.TempDir = t.TempDir(), t.TempDir()
	built := plugintest.Build(t, copier{}, s, nil)
	if built.Err != nil {
		t.Fatal(built.Err)
	}
	var names []string
	for _, b := range built.Artifact.GetBlobs() {
		names = append(names, list(t, built.Blobs[b.GetDigest()])...)
	}
	if want := []string{"app/", "app/a", "app/hello"}; !slices.Equal(names, want) {
		t.Errorf("the layers hold %q, want %q", names, want)
	}
	plugintest.Forget(t, copier{}, s.GetStateDir(), built.Artifact.GetHandle())
}

func TestMissing(t *testing.T) {
	built := plugintest.Build(t, copier{}, start(t, "lib/b"), nil)
	var f *backend.Failure
	if !errors.As(built.Err, &f) || f.Kind != backendv1.FailureKind_FAILURE_KIND_SOURCE || f.Ref.GetStep() != 1 {
		t.Errorf("got %v", built.Err)
	}
}
