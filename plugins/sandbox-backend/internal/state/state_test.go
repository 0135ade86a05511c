// SPDX-License-Identifier: Apache-2.0

package state

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

func open(t *testing.T, dir string) *Folder {
	t.Helper()
	f, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// put adds a layer with one file.
func put(t *testing.T, f *Folder, text string) Made {
	t.Helper()
	l, err := f.Layers.Put([]layer.Entry{{
		Change: tree.Change{Op: tree.Put, Name: "file", Node: &tree.Node{Kind: tree.File, Size: int64(len(text))}},
		Open:   func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil },
	}})
	if err != nil {
		t.Fatal(err)
	}
	return Made{l.Digest, l.Size}
}

func remember(t *testing.T, f *Folder, key string, m Made) {
	t.Helper()
	if err := f.Remember(key, m); err != nil {
		t.Fatal(err)
	}
}

func TestSteps(t *testing.T) {
	f := open(t, t.TempDir())
	defer f.Close()
	made := put(t, f, "one")
	if m, ok := f.Known("aabb"); ok {
		t.Errorf("an empty folder knows %v", m)
	}
	for _, m := range []Made{made, {}, made} {
		remember(t, f, "aabb", m)
		if got, ok := f.Known("aabb"); !ok || got != m {
			t.Errorf("Known = %v, %v; want %v", got, ok, m)
		}
	}
	if err := f.Layers.Remove(made.Layer); err != nil {
		t.Fatal(err)
	}
	if got, ok := f.Known("aabb"); ok {
		t.Errorf("a layer that is gone is known: %v", got)
	}
	for _, text := range []string{"", "sha256:", "-", "- x\n", "\x00"} {
		if err := os.WriteFile(f.stepPath("aabb"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, ok := f.Known("aabb"); ok {
			t.Errorf("the damaged file %q gives %v", text, got)
		}
	}
}

// age makes files of the folder older.
func age(t *testing.T, days int, paths ...string) {
	t.Helper()
	for _, path := range paths {
		when := time.Now().Add(-time.Duration(days) * 24 * time.Hour)
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
	}
}

// What a clock in the future has noted, before it was set back, is as good as
// old.
func TestSweepByAge(t *testing.T) {
	t.Run("past", func(t *testing.T) { sweepByAge(t, 30) })
	t.Run("future", func(t *testing.T) { sweepByAge(t, -30) })
}

func sweepByAge(t *testing.T, days int) {
	dir := t.TempDir()
	f := open(t, dir)
	kept, recent, old, stray := put(t, f, "kept"), put(t, f, "recent"), put(t, f, "old"), put(t, f, "stray")
	remember(t, f, "aa00", kept)
	remember(t, f, "bb00", recent)
	remember(t, f, "cc00", old)
	remember(t, f, "dd00", Made{})
	remember(t, f, "ee00", Made{})
	if err := f.Record(Artifact{Blobs: []Made{kept}}); err != nil {
		t.Fatal(err)
	}
	for _, m := range []Made{kept, recent, old, stray} {
		name := strings.TrimPrefix(m.Layer, "sha256:")
		age(t, days, filepath.Join(dir, "layers", "tars", name), filepath.Join(dir, "layers", "index", name))
	}
	age(t, days, f.stepPath("aa00"), f.stepPath("cc00"), f.stepPath("dd00"))
	if err := os.WriteFile(filepath.Join(dir, "steps", "aa", ".new-1"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if !f.Layers.Has(old.Layer) {
		t.Error("a new folder was swept")
	}
	age(t, days/15, f.marker())
	f = open(t, dir)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for m, want := range map[Made]bool{kept: true, recent: true, old: false, stray: false} {
		if got := f.Layers.Has(m.Layer); got != want {
			t.Errorf("after the sweep Has(%v) = %v", m, got)
		}
	}
	for key, want := range map[string]bool{"aa00": true, "bb00": true, "cc00": false, "dd00": false, "ee00": true} {
		if _, got := f.Known(key); got != want {
			t.Errorf("after the sweep Known(%s) = %v", key, got)
		}
	}
	if drafts, _ := filepath.Glob(filepath.Join(dir, "steps", "*", ".new*")); len(drafts) > 0 {
		t.Errorf("drafts are left: %v", drafts)
	}
}

// Nobody knows what a damaged record needs, so nothing is swept.
func TestADamagedRecordStopsTheSweep(t *testing.T) {
	dir := t.TempDir()
	f := open(t, dir)
	one, two := Artifact{Blobs: []Made{put(t, f, "one")}}, Artifact{Blobs: []Made{put(t, f, "two")}}
	for _, a := range []Artifact{one, two} {
		if err := f.Record(a); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "artifacts", one.Handle()), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Has(one.Handle()); err == nil {
		t.Error("a damaged record can be read")
	}
	if err := f.Forget(two.Handle()); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err == nil || !strings.Contains(err.Error(), one.Handle()) {
		t.Errorf("the sweep ended with %v", err)
	}
	if !f.Layers.Has(one.Blobs[0].Layer) {
		t.Error("the layer of the damaged record is gone")
	}
	// Forgetting it is the way out.
	f = open(t, dir)
	if err := f.Forget(one.Handle()); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if !f.Layers.Has(one.Blobs[0].Layer) || f.Layers.Has(two.Blobs[0].Layer) {
		t.Error("what is left is not the layer of the damaged record, which goes when it is old")
	}
}

func TestHandles(t *testing.T) {
	seen := map[string]int{}
	for i, a := range []Artifact{
		{},
		{Blobs: []Made{{"a", 1}}},
		{Others: []string{"a"}},
		{Blobs: []Made{{"a", 1}, {"b", 1}}},
		{Blobs: []Made{{"b", 1}, {"a", 1}}},
		{Blobs: []Made{{"a", 1}}, Others: []string{"b"}},
	} {
		if other, ok := seen[a.Handle()]; ok {
			t.Errorf("artifacts %d and %d have one handle", other, i)
		}
		if seen[a.Handle()] = i; !isHandle(a.Handle()) {
			t.Errorf("%q is no handle", a.Handle())
		}
	}
}

func TestLock(t *testing.T) {
	f := open(t, t.TempDir())
	defer f.Close()
	unlock, err := f.Lock(t.Context(), "key")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := f.Lock(ctx, "key"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("locked twice: %v", err)
	}
	other, err := f.Lock(t.Context(), "other")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(unlock(), other()); err != nil {
		t.Fatal(err)
	}
	if unlock, err = f.Lock(t.Context(), "key"); err != nil {
		t.Fatal(err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
}
