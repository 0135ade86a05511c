// SPDX-License-Identifier: Apache-2.0

package buildctx_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/zlayer/zlayer/sdk/buildctx"
)

func digest(t testing.TB, c *buildctx.Context, paths ...string) string {
	t.Helper()
	d, err := c.Digest(paths...)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestDigestChanges says what a digest depends on.
func TestDigestChanges(t *testing.T) {
	long := time.Unix(1_000_000_000, 0)
	tests := []struct {
		name   string
		change func(dir string) error
		same   bool
	}{
		{"nothing", func(string) error { return nil }, true},
		{"content", func(d string) error { return os.WriteFile(d+"/a/f", []byte("F"), 0o644) }, false},
		{"times", func(d string) error { return os.Chtimes(d+"/a/f", long, long) }, true},
		{"mode", func(d string) error { return os.Chmod(d+"/a/f", 0o755) }, false},
		{"mode of folder", func(d string) error { return os.Chmod(d+"/a", 0o700) }, false},
		{"name", func(d string) error { return os.Rename(d+"/a/f", d+"/a/g") }, false},
		{"new file", func(d string) error { return os.WriteFile(d+"/a/n", nil, 0o644) }, false},
		{"new folder", func(d string) error { return os.Mkdir(d+"/a/n", 0o755) }, false},
		{"gone", func(d string) error { return os.Remove(d + "/a/f") }, false},
		{"link", func(d string) error { return errors.Join(os.Remove(d+"/a/l"), os.Symlink("g", d+"/a/l")) }, false},
		{"link to file", func(d string) error {
			return errors.Join(os.Remove(d+"/a/l"), os.WriteFile(d+"/a/l", []byte("f"), 0o777))
		}, false},
		{"hidden file", func(d string) error { return os.WriteFile(d+"/a/hidden", nil, 0o644) }, true},
		{"elsewhere", func(d string) error { return os.WriteFile(d+"/b", []byte("x"), 0o644) }, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := tree(t, map[string]string{"a/f": "f", "a/l": "->f", "b": "", "a/odd\n\xff": ""})
			c := open(t, dir, nil, "**/hidden")
			before := digest(t, c, "a")
			if err := tt.change(dir); err != nil {
				t.Fatal(err)
			}
			if after := digest(t, c, "a"); (after == before) != tt.same {
				t.Errorf("the digest was %s, is %s", before, after)
			}
		})
	}
}

func TestDigestFolderAndNames(t *testing.T) {
	files := map[string]string{"a/f": "f", "a/l": "->f", "b/f": "f", "b/l": "->f", "to": "->a"}
	c, d := open(t, tree(t, files), nil), open(t, tree(t, files), nil)
	if digest(t, c, ".") != digest(t, d, ".") {
		t.Error("the place of the context counts")
	}
	if digest(t, c, "a") == digest(t, c, "b") || digest(t, c, "a", "b") == digest(t, c, "b", "a") {
		t.Error("names or their order do not count")
	}
	if digest(t, c, "to") == digest(t, c, "a") {
		t.Error("the name asked for does not count")
	}
	digest(t, c, "to/f")
}

func TestDigestMissing(t *testing.T) {
	c := open(t, tree(t, map[string]string{"a/b": "", "h/x": ""}), nil, "a", "h", "!h/y")
	for _, name := range []string{"no", "a", "a/b", "h", "h/x"} {
		_, err := c.Digest(name)
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: got %v", name, err)
		}
		var hidden *buildctx.ExcludedError
		if errors.As(err, &hidden) != (name != "no") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// settle waits until files just written may be remembered. Change times cannot
// be set, so there is no quicker way.
func settle(t testing.TB) {
	t.Helper()
	time.Sleep(3100 * time.Millisecond)
}

func TestMemo(t *testing.T) {
	began := time.Now()
	dir := tree(t, map[string]string{"a": "1", "b": "2", "sub/odd\n\xff": "3"})
	file := filepath.Join(t.TempDir(), "memo")
	want := digest(t, open(t, dir, nil), ".")

	fresh := buildctx.LoadMemo(file)
	if got := digest(t, open(t, dir, fresh), "."); got != want {
		t.Fatalf("with a memo %s, without %s", got, want)
	}
	if err := fresh.Save(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) && time.Since(began) < 3*time.Second {
		t.Errorf("files just written were remembered: %v", err)
	}

	settle(t)
	memo := buildctx.LoadMemo(file)
	digest(t, open(t, dir, memo), ".")
	if err := memo.Save(); err != nil {
		t.Fatal(err)
	}
	memo = buildctx.LoadMemo(file)
	if got := digest(t, open(t, dir, memo), "."); got != want {
		t.Errorf("remembered %s, want %s", got, want)
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := memo.Save(); err != nil {
		t.Fatal(err)
	}
	if again, err := os.Stat(file); err != nil || !os.SameFile(info, again) {
		t.Error("a memo that learned nothing was written again")
	}

	// Same size, same modification time: only the change time tells.
	st, err := os.Stat(dir + "/a")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(dir+"/a", []byte("9"), 0o644), os.Chtimes(dir+"/a", st.ModTime(), st.ModTime())); err != nil {
		t.Fatal(err)
	}
	if got := digest(t, open(t, dir, memo), "."); got == want || got != digest(t, open(t, dir, nil), ".") {
		t.Error("a changed file kept its digest")
	}
	testDamagedMemo(t, dir, file)
}

// testDamagedMemo cuts and flips a memo file: it must be the old one or empty.
func testDamagedMemo(t *testing.T, dir, file string) {
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := digest(t, open(t, dir, nil), ".")
	for i := range len(good) {
		flipped := append([]byte(nil), good...)
		flipped[i] ^= 0xff
		for _, data := range [][]byte{good[:i], flipped} {
			if err := os.WriteFile(file, data, 0o600); err != nil {
				t.Fatal(err)
			}
			if got := digest(t, open(t, dir, buildctx.LoadMemo(file)), "."); got != want {
				t.Fatalf("a memo damaged at %d gives %s", i, got)
			}
		}
	}
}

// BenchmarkDigest digests 5,000 files of 4 KiB in 100 folders.
func BenchmarkDigest(b *testing.B) {
	files := map[string]string{}
	content := string(make([]byte, 4096))
	for i := range 5000 {
		files[fmt.Sprintf("src/dir%02d/sub%d/file%04d.go", i%50, i%2, i)] = fmt.Sprint(i) + content
	}
	dir := tree(b, files)
	ignore := []string{".git", "**/node_modules", "*.log", "**/*.tmp", "docs/**", "!docs/keep.md"}
	b.Run("cold", func(b *testing.B) {
		for b.Loop() {
			digest(b, open(b, dir, nil, ignore...), ".")
		}
	})
	settle(b)
	file := filepath.Join(b.TempDir(), "memo")
	memo := buildctx.LoadMemo(file)
	digest(b, open(b, dir, memo, ignore...), ".")
	if err := memo.Save(); err != nil {
		b.Fatal(err)
	}
	b.Run("warm", func(b *testing.B) {
		for b.Loop() {
			digest(b, open(b, dir, buildctx.LoadMemo(file), ignore...), ".")
		}
	})
}
