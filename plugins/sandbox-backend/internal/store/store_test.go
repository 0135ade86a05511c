// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/store"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// open opens a store.
func open(t testing.TB, dir string) *store.Store { return during(t, "first", dir) }

// during opens a store during a boot of the machine.
func during(t testing.TB, boot, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(dir, boot)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// file is an entry.
func file(name, content string) layer.Entry {
	return layer.Entry{
		Change: tree.Change{Name: name, Node: &tree.Node{Size: int64(len(content))}},
		Open:   func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil },
	}
}

// put puts a layer.
func put(t testing.TB, s *store.Store, entries ...layer.Entry) *layer.Layer {
	t.Helper()
	l, err := s.Put(entries)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// read returns the bytes of the first file of a layer.
func read(src layer.Source) (string, error) {
	r, err := src.Open(src.Changes[0].Node)
	if err != nil {
		return "", err
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	return string(data), err
}

// files returns the names of what is in a store.
func files(t testing.TB, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range found {
		if in := filepath.Base(filepath.Dir(f)); in != "temp" && in != "whole" {
			out = append(out, f)
		}
	}
	return out
}

// damage changes a byte of the tar of a layer.
func damage(t testing.TB, src layer.Source) {
	t.Helper()
	data, err := os.ReadFile(src.Path)
	if err != nil {
		t.Fatal(err)
	}
	data[600] ^= 1
	if err := os.WriteFile(src.Path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestALayerIsKept(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	l := put(t, s, file("a", "hello"))
	if again := put(t, s, file("a", "hello")); again.Digest != l.Digest || len(files(t, dir)) != 2 {
		t.Errorf("the same layer twice: %s, %s; %v", l.Digest, again.Digest, files(t, dir))
	}
	other := open(t, dir) // another process
	src, ok, err := other.Source(l.Digest)
	if err != nil || !ok || src.Digest != l.Digest || src.Compressed {
		t.Fatalf("%v, %v, %v", src, ok, err)
	}
	if got, err := read(src); got != "hello" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if !other.Has(l.Digest) || other.Has("sha256:x") || other.Has("../tars") {
		t.Error("Has is wrong")
	}
	if err := errors.Join(other.Remove(l.Digest), other.Remove(l.Digest)); err != nil {
		t.Error(err)
	}
	if _, ok, err := s.Source(l.Digest); ok || err != nil || s.Has(l.Digest) || len(files(t, dir)) != 0 {
		t.Errorf("it was removed: %v, %v, %v", ok, err, files(t, dir))
	}
}

func TestNoEntriesAreNoLayer(t *testing.T) {
	if l, err := open(t, t.TempDir()).Put(nil); l != nil || err != nil {
		t.Errorf("%v, %v", l, err)
	}
}

func TestAFailedLayerLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	bad := file("a", "hello")
	bad.Node.Size = 9
	if _, err := s.Put([]layer.Entry{file("0", "0"), bad}); err == nil {
		t.Error("a file that is too short was taken")
	}
	drafts, err := os.ReadDir(s.Temp())
	if err != nil || len(drafts) != 0 || len(files(t, dir)) != 0 {
		t.Errorf("left: %v, %v, %v", drafts, files(t, dir), err)
	}
}

func TestAdopt(t *testing.T) {
	s := open(t, t.TempDir())
	var buf bytes.Buffer
	l, err := layer.Write(&buf, []layer.Entry{file("a", "hello")})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(s.Temp(), "mine")
	if err := os.WriteFile(path, buf.Bytes()[:512], 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Adopt(path, l); err == nil || s.Has(l.Digest) {
		t.Errorf("half a tar was taken: %v", err)
	}
	if err := os.WriteFile(path, buf.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Adopt(path, l); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err == nil || !s.Has(l.Digest) {
		t.Error("it was not moved")
	}
	if err := s.Adopt(path, &layer.Layer{Digest: "sha256:../../x"}); err == nil {
		t.Error("a digest that is a path was taken")
	}
}

func TestExport(t *testing.T) {
	s := open(t, t.TempDir())
	l := put(t, s, file("a", "hello"))
	dir := t.TempDir()
	if err := s.Export(l.Digest, dir); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, l.Digest[7:]))
	if err != nil || int64(len(data)) != l.Size {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	if err := s.Export("sha256:"+strings.Repeat("0", 64), dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a layer that is not there: %v", err)
	}
	if err := s.Export("sha256:../x", dir); err == nil {
		t.Error("a digest that is a path was taken")
	}
}

func TestADamagedTarIsNotExported(t *testing.T) {
	s := open(t, t.TempDir())
	l := put(t, s, file("a", "hello"))
	src, _, err := s.Source(l.Digest)
	if err != nil {
		t.Fatal(err)
	}
	damage(t, src)
	dir := t.TempDir()
	if err := s.Export(l.Digest, dir); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("got %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 || s.Has(l.Digest) {
		t.Errorf("the damaged layer is still there, or in the folder: %v", left)
	}
	if put(t, s, file("a", "hello")); s.Export(l.Digest, dir) != nil {
		t.Error("it cannot be made again")
	}
}

func TestPutHealsADamagedTar(t *testing.T) {
	s := open(t, t.TempDir())
	l := put(t, s, file("a", "hello"))
	src, _, err := s.Source(l.Digest)
	if err != nil {
		t.Fatal(err)
	}
	damage(t, src)
	put(t, s, file("a", "hello"))
	if err := s.Export(l.Digest, t.TempDir()); err != nil {
		t.Error(err)
	}
}

// TestWhatAPowerCutLeaves spoils files in the ways that a file system does that
// was not told to write them.
func TestWhatAPowerCutLeaves(t *testing.T) {
	for name, test := range map[string]struct {
		tar, index func(data []byte) []byte
		there      bool
	}{
		"a short tar":                   {func(d []byte) []byte { return d[:len(d)/2] }, same, false},
		"a damaged tar":                 {func(d []byte) []byte { d[600] ^= 1; return d }, same, false},
		"zeros for a tar":               {func(d []byte) []byte { clear(d); return d }, same, false},
		"nothing":                       {same, same, true},
		"an empty tar":                  {func([]byte) []byte { return nil }, same, false},
		"a short index":                 {same, func(d []byte) []byte { return d[:len(d)/2] }, true},
		"an empty index":                {same, func([]byte) []byte { return nil }, true},
		"no index":                      {same, nil, true},
		"no index, and a damaged tar":   {func(d []byte) []byte { d[600] ^= 1; return d }, nil, false},
		"no index, and zeros for a tar": {func(d []byte) []byte { clear(d); return d }, nil, false},
		"no index, and not a tar":       {func(d []byte) []byte { return bytes.Repeat([]byte("x"), len(d)) }, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir)
			l := put(t, s, file("a", "hello"))
			spoil(t, filepath.Join(dir, "tars", l.Digest[7:]), test.tar)
			spoil(t, filepath.Join(dir, "index", l.Digest[7:]), test.index)
			s = during(t, "second", dir)
			if s.Has(l.Digest) != test.there && test.index != nil {
				t.Errorf("Has is not %v", test.there)
			}
			src, ok, err := s.Source(l.Digest)
			if err != nil || ok != test.there || s.Has(l.Digest) != test.there {
				t.Fatalf("%v, %v", ok, err)
			}
			if !ok {
				return
			}
			if got, err := read(src); got != "hello" || err != nil {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

func same(data []byte) []byte { return data }

// spoil changes a file, or removes it.
func spoil(t *testing.T, path string, how func(data []byte) []byte) {
	t.Helper()
	if how == nil {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		return
	}
	data, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, how(data), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestIndexIsOfTheRightLayer(t *testing.T) {
	s, elsewhere := open(t, t.TempDir()), open(t, t.TempDir())
	l := put(t, elsewhere, file("a", "hello"))
	src, _, err := elsewhere.Source(l.Digest)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Index("sha256:"+strings.Repeat("0", 64), src); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("another layer was taken: %v", err)
	}
	if _, err := s.Index(l.Digest, src); err != nil || s.Has(l.Digest) {
		t.Errorf("%v", err)
	}
}

// TestManyAtOnce has two processes with several goroutines each.
func TestManyAtOnce(t *testing.T) {
	dir := t.TempDir()
	stores := []*store.Store{open(t, dir), open(t, dir)}
	var wg sync.WaitGroup
	for i := range 16 {
		s := stores[i%2]
		wg.Go(func() {
			for n := range 10 {
				content := fmt.Sprint("layer", (i+n)%5)
				l, err := s.Put([]layer.Entry{file("a", content)})
				if err != nil {
					t.Error(err)
					return
				}
				src, ok, err := s.Source(l.Digest)
				if err != nil || !ok {
					t.Errorf("%v, %v", ok, err)
					return
				}
				if got, err := read(src); got != content || err != nil {
					t.Errorf("%q, %v", got, err)
				}
			}
		})
	}
	wg.Wait()
	if got := len(files(t, dir)); got != 10 {
		t.Errorf("%d files for 5 layers", got)
	}
}

func TestRecoverRemovesTheDraftsOfTheDead(t *testing.T) {
	dir := t.TempDir()
	mine, living := open(t, dir), open(t, dir)
	dead := filepath.Join(dir, "temp", "dead")
	if err := os.MkdirAll(filepath.Join(dead, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dead+".lock", nil, 0o600); err != nil { // nobody holds it
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := mine.Recover(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, path := range []string{dead, dead + ".lock"} {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s is still there", path)
		}
	}
	for _, s := range []*store.Store{mine, living} {
		if _, err := os.Stat(s.Temp()); err != nil {
			t.Errorf("the drafts of a living process are gone: %v", err)
		}
	}
}

func TestCloseLeavesNoDrafts(t *testing.T) {
	dir := t.TempDir()
	s, err := store.Open(dir, "first")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(filepath.Join(s.Temp(), "x"), nil, 0o600), s.Close()); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(filepath.Join(dir, "temp")); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}
