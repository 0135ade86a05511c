// SPDX-License-Identifier: Apache-2.0

package rootfs

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// layer makes a layer of lines: "d NAME", "f NAME CONTENT", "l NAME TARGET" for
// a symbolic link, "h NAME TARGET" for a hard one, "c NAME" for a device.
func layer(t testing.TB, lines ...string) Layer {
	t.Helper()
	var buf bytes.Buffer
	tw := tar.NewWriter(&buf)
	for _, line := range lines {
		f := append(strings.Fields(line), "", "")
		h := &tar.Header{Name: f[1], Mode: 0o640, Uid: 7, Gid: 8, ModTime: time.Unix(9, 0)}
		content := ""
		switch f[0] {
		case "d":
			h.Typeflag, h.Mode = tar.TypeDir, 0o750
		case "f":
			content = f[2]
			h.Typeflag, h.Size = tar.TypeReg, int64(len(content))
		case "l":
			h.Typeflag, h.Linkname = tar.TypeSymlink, f[2]
		case "h":
			h.Typeflag, h.Linkname = tar.TypeLink, f[2]
		case "c":
			h.Typeflag, h.Devmajor, h.Devminor = tar.TypeChar, 1, 3
		}
		if err := tw.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(tw, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(buf.Bytes())), nil }
}

// entries lists a tar in the form of layer.
func entries(t *testing.T, data []byte) []string {
	t.Helper()
	var list []string
	for tr := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := tr.Next()
		if err == io.EOF {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		content, _ := io.ReadAll(tr)
		kind := map[byte]string{tar.TypeDir: "d", tar.TypeReg: "f", tar.TypeSymlink: "l", tar.TypeLink: "h", tar.TypeChar: "c"}[h.Typeflag]
		list = append(list, strings.TrimSpace(fmt.Sprintf("%s %s %s%s", kind, h.Name, h.Linkname, content)))
	}
}

func TestWriteTar(t *testing.T) {
	tests := map[string]struct {
		layers [][]string
		want   []string
	}{
		"upper over lower":         {[][]string{{"f a 1", "f b 2"}, {"f a 3"}}, []string{"f b 2", "f a 3"}},
		"leading slash and dot":    {[][]string{{"f /a 1", "f ./b 2", "d ./"}}, []string{"f a 1", "f b 2"}},
		"implied folders":          {[][]string{{"f x/y/a 1"}}, []string{"d x/", "d x/y/", "f x/y/a 1"}},
		"whiteout of a file":       {[][]string{{"f a 1", "f b 2"}, {"f .wh.a"}}, []string{"f b 2"}},
		"whiteout of a folder":     {[][]string{{"d x", "f x/a 1"}, {"f .wh.x"}}, nil},
		"whiteout and again":       {[][]string{{"f x/a 1"}, {"d x", "f x/b 2", "f .wh.x"}}, []string{"d x/", "f x/b 2"}},
		"whiteout of nothing":      {[][]string{{"f a 1"}, {"f .wh.z", "f q/.wh.z"}}, []string{"d q/", "f a 1"}},
		"opaque, before":           {[][]string{{"f x/a 1", "f x/d/c 3"}, {"d x", "f x/.wh..wh..opq", "f x/b 2"}}, []string{"d x/", "f x/b 2"}},
		"opaque, after":            {[][]string{{"f x/a 1", "f x/d/c 3"}, {"d x", "f x/b 2", "f x/d/e 4", "f x/.wh..wh..opq"}}, []string{"d x/", "d x/d/", "f x/b 2", "f x/d/e 4"}},
		"folder keeps content":     {[][]string{{"d x", "f x/a 1"}, {"d x"}}, []string{"d x/", "f x/a 1"}},
		"file over folder":         {[][]string{{"f x/a 1"}, {"f x 2"}}, []string{"f x 2"}},
		"folder over file":         {[][]string{{"f x 1"}, {"d x", "f x/a 2"}}, []string{"d x/", "f x/a 2"}},
		"hard link":                {[][]string{{"f b 1", "h a b"}}, []string{"f a 1", "h b a"}},
		"hard link to lower":       {[][]string{{"f a 1"}, {"h b a"}}, []string{"f a 1", "h b a"}},
		"hard link outlives":       {[][]string{{"f a 1", "h b a"}, {"f .wh.a"}}, []string{"f b 1"}},
		"hard link, one rewritten": {[][]string{{"f a 1", "h b a"}, {"f a 2"}}, []string{"f b 1", "f a 2"}},
		"through a link":           {[][]string{{"d usr/lib", "l lib usr/lib"}, {"f lib/a 1", "f lib/.wh.b"}}, []string{"d usr/", "d usr/lib/", "l lib usr/lib", "f usr/lib/a 1"}},
		"through an absolute link": {[][]string{{"d r", "l x/l /r/../../r", "f x/l/a 1"}}, []string{"d r/", "d x/", "l x/l /r/../../r", "f r/a 1"}},
		"device":                   {[][]string{{"c dev/null"}}, []string{"d dev/", "c dev/null"}},
		"out of the root":          {[][]string{{"f ../../a 1"}}, []string{"f a 1"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var layers []Layer
			for _, lines := range tt.layers {
				layers = append(layers, layer(t, lines...))
			}
			var one, two bytes.Buffer
			for _, buf := range []*bytes.Buffer{&one, &two} {
				if err := WriteTar(buf, Root{Layers: layers}); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(tt.want, entries(t, one.Bytes())); diff != "" {
				t.Error(diff)
			}
			if !bytes.Equal(one.Bytes(), two.Bytes()) {
				t.Error("two tars of the same layers differ")
			}
		})
	}
}

// Several file systems are side by side, and know nothing of each other.
func TestFolders(t *testing.T) {
	one := Root{Folder: "one", Layers: []Layer{layer(t, "f x/a 1", "h b x/a", "l l /x/a")}}
	two := Root{Folder: "two", Layers: []Layer{layer(t, "f x/a 2"), layer(t, "f .wh.x", "f c 3")}}
	var buf bytes.Buffer
	if err := WriteTar(&buf, one, two); err != nil {
		t.Fatal(err)
	}
	want := []string{"d one/", "d one/x/", "f one/b 1", "h one/x/a one/b", "l one/l /x/a", "d two/", "f two/c 3"}
	if diff := cmp.Diff(want, entries(t, buf.Bytes())); diff != "" {
		t.Error(diff)
	}

	dir := filepath.Join(t.TempDir(), "out")
	if _, err := WriteFolder(dir, one, Root{Folder: "two", Layers: []Layer{layer(t, "f a 1", "f a/b 2")}}); err == nil {
		t.Fatal("what cannot be written was written")
	}
	if _, err := os.Lstat(dir); err == nil {
		t.Error("a part of it was written")
	}
	if _, err := WriteFolder(dir, one, two); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{
		"one": "drwxr-xr-x", "one/x": "drwxr-xr-x", "one/x/a": "-rw-r----- 1", "one/b": "-rw-r----- 1", "one/l": "Lrwxrwxrwx",
		"two": "drwxr-xr-x", "two/c": "-rw-r----- 3",
	}
	if diff := cmp.Diff(files, list(t, dir)); diff != "" {
		t.Error(diff)
	}
}

func TestRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		lines []string
		want  string
	}{
		"below a file":  {[]string{"f a 1", "f a/b 2"}, "/a is no folder"},
		"links in ring": {[]string{"l a b", "l b a", "f a/c 1"}, "is no folder"},
		"dangling":      {[]string{"h a b"}, "hard link to /b"},
		"to a folder":   {[]string{"d b", "h a b"}, "hard link to /b"},
	} {
		dir := filepath.Join(t.TempDir(), "out")
		_, err := WriteFolder(dir, Root{Layers: []Layer{layer(t, tt.lines...)}})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v does not say %q", name, err, tt.want)
		}
		if _, err := os.Lstat(dir); err == nil {
			t.Errorf("%s: something is left", name)
		}
	}
}

// list is what is in a folder.
func list(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || name == dir {
			return err
		}
		rel, _ := filepath.Rel(dir, name)
		info, err := e.Info()
		found[rel] = info.Mode().String()
		if e.Type().IsRegular() {
			data, err := os.ReadFile(name)
			found[rel] += " " + string(data)
			return err
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestWriteFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	layers := []Layer{layer(t, "f x/a 1", "h x/b x/a", "l l /etc/passwd", "c null", "d y"), layer(t, "f y/c 2")}
	for range 2 { // the second time over the first
		left, err := WriteFolder(dir, Root{Layers: layers})
		if err != nil {
			t.Fatal(err)
		}
		if left.Devices != 1 || left.Attributes != 0 || os.Geteuid() == 0 && left.Owners != 0 {
			t.Errorf("left out: %+v", left)
		}
		want := map[string]string{
			"x": "drwxr-xr-x", "x/a": "-rw-r----- 1", "x/b": "-rw-r----- 1", "y": "drwxr-x---", "y/c": "-rw-r----- 2", "l": "Lrwxrwxrwx",
		}
		if diff := cmp.Diff(want, list(t, dir)); diff != "" {
			t.Error(diff)
		}
		a, _ := os.Stat(filepath.Join(dir, "x/a"))
		b, _ := os.Stat(filepath.Join(dir, "x/b"))
		if !os.SameFile(a, b) || !a.ModTime().Equal(time.Unix(9, 0)) {
			t.Error("a hard link is none, or the time is lost")
		}
	}
}

func TestUnpack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	if err := Unpack(dir, layer(t, "f a 1", "f .wh.a 2", "f x/.wh..wh..opq 3")); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"a": "-rw-r----- 1", ".wh.a": "-rw-r----- 2", "x": "drwxr-xr-x", "x/.wh..wh..opq": "-rw-r----- 3"}
	if diff := cmp.Diff(want, list(t, dir)); diff != "" {
		t.Error(diff)
	}
}

// What the user has in a folder stays, and when it is in the way, all of it.
func TestWriteFolderKeeps(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	for name, content := range map[string]string{"mine": "m", "x/a": "old", "f": "file"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(outside, filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	before := list(t, dir)
	for _, lines := range [][]string{{"f x/a new", "f mine/b 1"}, {"f a new", "f x 1"}, {"f a new", "f out/b 1"}} {
		if _, err := WriteFolder(dir, Root{Layers: []Layer{layer(t, lines...)}}); err == nil || !strings.Contains(err.Error(), "is there, and the image has") {
			t.Error(err)
		}
		if diff := cmp.Diff(before, list(t, dir)); diff != "" {
			t.Error(diff)
		}
	}
	if _, err := WriteFolder(dir, Root{Layers: []Layer{layer(t, "d x", "f x/a new", "f b 1")}}); err != nil {
		t.Fatal(err)
	}
	before["x/a"], before["b"] = "-rw-r----- new", "-rw-r----- 1"
	if diff := cmp.Diff(before, list(t, dir)); diff != "" {
		t.Error(diff)
	}
	if left, _ := os.ReadDir(outside); len(left) != 0 {
		t.Error("something was written outside")
	}
}

// FuzzFlatten: whatever a layer says, nothing leaves the folder, and what can
// be written once is the same the second time.
func FuzzFlatten(f *testing.F) {
	for _, lines := range [][]string{{"f a 1", "h b a"}, {"l a ..", "f a/b 1"}, {"f x/.wh..wh..opq", "c x/d"}} {
		r, _ := layer(f, lines...)()
		data, _ := io.ReadAll(r)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		l := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
		var one, two bytes.Buffer
		if WriteTar(&one, Root{Layers: []Layer{l, l}}) == nil && (WriteTar(&two, Root{Layers: []Layer{l, l}}) != nil || !bytes.Equal(one.Bytes(), two.Bytes())) {
			t.Error("two tars of the same layer differ")
		}
		top := t.TempDir()
		_, _ = WriteFolder(filepath.Join(top, "out"), Root{Layers: []Layer{l}})
		for _, e := range must(os.ReadDir(top)) {
			if e.Name() != "out" {
				t.Errorf("%s is outside", e.Name())
			}
		}
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// An archive of little but headers is refused before they fill the memory.
func TestTooManyHeaders(t *testing.T) {
	for name, archive := range map[string]Layer{
		"files":      layer(t, "f a", "f b", "f c"),
		"a long one": layer(t, "f "+strings.Repeat("x", 2000)),
	} {
		err := (&tree{root: newFolder(0), plain: true, room: 1500}).flatten([]Layer{archive}, func(*tar.Header, io.Reader) error { return nil })
		if err == nil || !strings.Contains(err.Error(), "too many files") {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
}
