// SPDX-License-Identifier: Apache-2.0

package layer_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

func TestADamagedIndexIsRefused(t *testing.T) {
	_, l := write(t, everything()...)
	good := l.Encode()
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 0x10
		if _, err := layer.Decode(bad); err == nil {
			t.Fatalf("byte %d of %d may be anything", i, len(good))
		}
	}
	for n := range len(good) {
		if _, err := layer.Decode(good[:n]); err == nil {
			t.Fatalf("%d of %d bytes are enough", n, len(good))
		}
	}
}

// TestFilesThatAreReadOftenAreKept opens them when the tar is gone.
func TestFilesThatAreReadOftenAreKept(t *testing.T) {
	data, _ := write(t, file("etc/passwd", "root"), file("etc/group", "wheel"), file("etc/shadow", "secret"), file("passwd", "x"))
	l, err := layer.Index(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if l, err = layer.Decode(l.Encode()); err != nil {
		t.Fatal(err)
	}
	src := layer.Source{Layer: l, Path: filepath.Join(t.TempDir(), "gone"), Compressed: true}
	for name, want := range map[string]string{"etc/passwd": "root", "etc/group": "wheel"} {
		if got := content(t, src, name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	for _, c := range l.Changes {
		if _, err := src.Open(c.Node); (err == nil) != strings.HasPrefix(c.Name, "etc/") != (c.Name == "etc/shadow") {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
}

// TestACompressedLayerIsExpandedWhenItPays opens files of it again and again.
func TestACompressedLayerIsExpandedWhenItPays(t *testing.T) {
	data, l := write(t, file("a", strings.Repeat("a", 100_000)), file("b", "b"))
	dir := t.TempDir()
	packed, plain := filepath.Join(dir, "packed"), filepath.Join(dir, "plain")
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := w.Write(data); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	for path, data := range map[string][]byte{packed: buf.Bytes(), plain: data} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	made := 0
	src := layer.Source{Layer: l, Path: packed, Compressed: true, Expand: &layer.Expander{Make: func() (string, error) {
		made++
		return plain, nil
	}}}
	if content(t, src, "b"); made != 0 {
		t.Error("one file was enough to expand the layer")
	}
	for range 9 {
		if got := content(t, src, "b"); got != "b" {
			t.Errorf("got %q", got)
		}
	}
	if made != 9 {
		t.Errorf("of 10 files %d came from the expanded layer", made)
	}
}

// seeds are layers to start from.
func seeds(f *testing.F) [][]byte {
	f.Helper()
	all := everything()
	data, _ := write(f, all[:len(all)-1]...) // without a large file
	whiteouts, _ := write(f, remove("a"), wipe("b"), dir("c"), link("c/d", "e"), file("e", "e"))
	return [][]byte{data, whiteouts, sparse("1048576"), raw('0', "neg", "\xff\xff\xff\xff"), {}}
}

// FuzzIndex puts any tar onto a tree: it is refused, or all that can be asked of
// the layer and the tree has an answer.
func FuzzIndex(f *testing.F) {
	for _, data := range seeds(f) {
		f.Add(data)
	}
	base, err := tree.Empty().Apply([]tree.Change{
		put("c", &tree.Node{Kind: tree.Symlink, Target: "/d"}).Change,
		put("loop", &tree.Node{Kind: tree.Symlink, Target: "loop"}).Change,
		file("d/a", "").Change,
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := layer.IndexAtMost(bytes.NewReader(data), 1000, 1<<20)
		if err != nil {
			return
		}
		sum := sha256.Sum256(data)
		if l.Digest != fmt.Sprintf("sha256:%x", sum) || l.Size != int64(len(data)) {
			t.Error("not the digest of the layer")
		}
		again, err := layer.Decode(l.Encode())
		if err != nil || !cmp.Equal(l, again, cmp.AllowUnexported(layer.Layer{})) {
			t.Errorf("the index does not come back: %v", err)
		}
		tr, err := base.Apply(l.Changes)
		if err != nil {
			return
		}
		if _, err := tr.Digest("."); err != nil {
			t.Error(err)
		}
		err = tr.Walk(".", func(name string, n *tree.Node) error {
			if found, err := tr.Lstat(name); err != nil || found != n {
				t.Errorf("Lstat(%q): %v", name, err)
			}
			return tree.CheckName(name)
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, data := range seeds(f)[:2] {
		l, err := layer.Index(bytes.NewReader(data))
		if err != nil {
			f.Fatal(err)
		}
		encoded := l.Encode()
		f.Add(encoded[:len(encoded)-sha256.Size])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		sum := sha256.Sum256(data)
		l, err := layer.Decode(append(data, sum[:]...))
		if err != nil {
			return
		}
		again, err := layer.Decode(l.Encode())
		if err != nil || !cmp.Equal(l, again, cmp.AllowUnexported(layer.Layer{})) {
			t.Errorf("does not come back: %v", err)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	var entries []layer.Entry
	for i := range 50_000 {
		entries = append(entries, file(fmt.Sprintf("usr/lib/d%d/e%d/f%d", i/500, i/50, i), ""))
	}
	_, l := write(b, entries...)
	data := l.Encode()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := layer.Decode(data); err != nil {
			b.Fatal(err)
		}
	}
}
