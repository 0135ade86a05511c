// SPDX-License-Identifier: Apache-2.0

package shelf_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/sdk/toolchain/shelf"
)

// helloDigest is the SHA-256 of "hello".
const helloDigest = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

// put makes a shelf that holds "hello".
func put(t *testing.T) shelf.Shelf {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "module")
	if err := os.WriteFile(file, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := shelf.Shelf{Dir: filepath.Join(dir, "modules")}
	digest, size, err := s.Put(file)
	if err != nil || digest != helloDigest || size != 5 {
		t.Fatalf("Put = %q, %d, %v", digest, size, err)
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Fatalf("the file is still at its old place: %v", err)
	}
	return s
}

func wantHas(t *testing.T, s shelf.Shelf, want bool) {
	t.Helper()
	if has, err := s.Has(helloDigest); err != nil || has != want {
		t.Fatalf("Has = %v, %v; want %v", has, err, want)
	}
}

func TestLifeOfAModule(t *testing.T) {
	s := put(t)
	wantHas(t, s, true)
	dir := t.TempDir()
	if err := s.Export(helloDigest, dir); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, strings.TrimPrefix(helloDigest, "sha256:")))
	if err != nil || string(got) != "hello" {
		t.Fatalf("exported %q, %v", got, err)
	}
	for range 2 { // the second time it is not there
		if err := s.Remove(helloDigest); err != nil {
			t.Fatal(err)
		}
		wantHas(t, s, false)
	}
}

func TestExportOfDamagedModule(t *testing.T) {
	s := put(t)
	path := filepath.Join(s.Dir, strings.TrimPrefix(helloDigest, "sha256:"))
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("hullo"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := s.Export(helloDigest, dir); err == nil || !strings.Contains(err.Error(), "changed on disk") {
		t.Fatalf("Export = %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Fatalf("left behind: %v, %v", left, err)
	}
	wantHas(t, s, false)
}

func TestExportOfMissingModule(t *testing.T) {
	s := shelf.Shelf{Dir: filepath.Join(t.TempDir(), "never-made")}
	wantHas(t, s, false)
	if err := s.Export(helloDigest, t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("Export = %v, want a missing file", err)
	}
}

func TestOnlyDigestsAreNames(t *testing.T) {
	s := put(t)
	for _, digest := range []string{"", "sha256:", "../modules/x", "sha256:../../etc/passwd",
		strings.ToUpper(helloDigest), helloDigest + "0", strings.Replace(helloDigest, "sha256", "sha512", 1)} {
		if _, err := s.Has(digest); err == nil {
			t.Errorf("Has(%q) took it", digest)
		}
		if err := s.Export(digest, t.TempDir()); err == nil {
			t.Errorf("Export(%q) took it", digest)
		}
		if err := s.Remove(digest); err == nil {
			t.Errorf("Remove(%q) took it", digest)
		}
	}
}
