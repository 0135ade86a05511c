// SPDX-License-Identifier: Apache-2.0

//go:build fill

package frontend

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/zlayer/zlayer/conformance/internal/engine"
	"github.com/zlayer/zlayer/conformance/internal/target"
	"github.com/zlayer/zlayer/conformance/vectors"
)

// TestFill writes what comes out into the empty @want files of the vectors. Read
// it before you commit it.
func TestFill(t *testing.T) {
	for _, id := range []string{"dockerfile", "zimagefile"} {
		t.Run(id, func(t *testing.T) { fillIn(t, open(t, id)) })
	}
}

// open opens a plugin of this project.
func open(t *testing.T, id string) *target.Target {
	t.Helper()
	tt, err := target.Open(filepath.Join("../../../bin/plugins", id))
	if err != nil {
		t.Fatalf("%v: run make build", err)
	}
	tt.Cache, tt.Work = filepath.Join(os.TempDir(), "zlayer-conformance-modules"), t.TempDir()
	return tt
}

// fillIn writes what comes out into the empty @want files.
func fillIn(t *testing.T, tt *target.Target) {
	all, err := vectors.Frontends()
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.Open(nil, tt.Cache)
	if err != nil {
		t.Fatal(err)
	}
	p := newPlugin(tt, e, all)
	defer p.done()
	for _, v := range p.texts {
		got, err := p.understand(context.Background(), v)
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		write(t, v, got.results(v))
	}
}

// write fills the empty files of one vector.
func write(t *testing.T, v *vectors.Frontend, results map[string]string) {
	path := filepath.Join("../../vectors/frontend", v.Name+".txtar")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range v.Files {
		if result, ok := results[f.Name]; ok && len(f.Data) == 0 && result != "" {
			marker := []byte("-- " + f.Name + " --\n")
			data = bytes.Replace(data, marker, slices.Concat(marker, []byte(result)), 1)
			t.Logf("%s: %s", v.Name, f.Name)
		}
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}
