// SPDX-License-Identifier: Apache-2.0

package source

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t testing.TB, file, content string) string {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// digest is one of the right form.
var digest = "sha256:" + strings.Repeat("0a", 32)

func TestParse(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	write(t, filepath.Join(dir, "a.tar"), "")
	for _, sub := range []string{"tool", "r.example/acme"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		text string
		want Spec
		// shown is the String; "" means the text itself.
		shown string
	}{
		{"oci://r.example/a/b:1.0", Spec{Kind: Registry, Location: "r.example/a/b", Tag: "1.0"}, ""},
		{"r.example/a", Spec{Kind: Registry, Location: "r.example/a"}, "oci://r.example/a"},
		{"localhost:5000/a@" + digest, Spec{Kind: Registry, Location: "localhost:5000/a", Digest: digest}, "oci://localhost:5000/a@" + digest},
		{"localhost/a:1@" + digest, Spec{Kind: Registry, Location: "localhost/a", Tag: "1", Digest: digest}, "oci://localhost/a:1@" + digest},
		{"r.example/acme", Spec{Kind: Folder, Location: filepath.Join(dir, "r.example/acme")}, filepath.Join(dir, "r.example/acme")},
		{"oci://r.example/acme", Spec{Kind: Registry, Location: "r.example/acme"}, ""},
		{"https://h.example/a.tar.gz?x=1", Spec{Kind: URL, Location: "https://h.example/a.tar.gz?x=1"}, ""},
		{"https://me:pw@h.example/a?token=pw&x=1", Spec{Kind: URL, Location: "https://me:pw@h.example/a?token=pw&x=1"}, "https://h.example/a?x=1"},
		{"./a.tar", Spec{Kind: File, Location: filepath.Join(dir, "a.tar")}, filepath.Join(dir, "a.tar")},
		{"tool", Spec{Kind: Folder, Location: filepath.Join(dir, "tool")}, filepath.Join(dir, "tool")},
		{".", Spec{Kind: Folder, Location: dir}, dir},
	} {
		got, err := Parse(c.text)
		if c.shown == "" {
			c.shown = c.text
		}
		if err != nil || got != c.want || got.String() != c.shown {
			t.Errorf("%s: %+v, %s, %v", c.text, got, got, err)
		}
		if again, err := Parse(got.String()); err != nil || again.String() != c.shown {
			t.Errorf("%s: what is shown means %s, %v", c.text, again, err)
		}
	}
	for _, text := range []string{
		"", "none", "acme/tool", "./none", "none.tar", "/none", "ftp://u:pw@h/a", "https://", "https://u:pw@", "https://u:pw@h:x y/a",
		"r.example/a@", "r.example/a@sha256:1", "r.example/a@" + strings.ToUpper(digest),
	} {
		_, err := Parse(text)
		var e *Error
		if !errors.As(err, &e) || e.Problem != Absent || e.Help == "" || strings.Contains(e.Error(), "pw") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestParseDestination(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for text, want := range map[string]Kind{
		"out": Folder, "out/plugins": Folder, "./out": Folder, "out.tar": File, "/x/out.tgz": File, "r.example/a": Registry,
		"oci://a": Registry, "https://h.example/a": URL,
	} {
		if got, err := ParseDestination(text); err != nil || got.Kind != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	if _, err := ParseDestination(""); err == nil {
		t.Error("no destination")
	}
}

func TestNewest(t *testing.T) {
	for text, want := range map[string]string{
		"oci://r.example/a:1.2.3": "oci://r.example/a", "oci://r.example/a:v1.2.3-rc.1": "oci://r.example/a",
		"oci://r.example/a:edge": "oci://r.example/a:edge", "oci://r.example/a:1.2.3@" + digest: "oci://r.example/a:1.2.3@" + digest,
		"oci://r.example/a": "oci://r.example/a", "https://h.example/a": "https://h.example/a", "/gone": "/gone",
	} {
		if got := Newest(text); got != want {
			t.Errorf("%s: %s", text, got)
		}
	}
}

// archive makes an archive of entries.
func archive(t testing.TB, entries ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range entries {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(bytes.Repeat([]byte("x"), int(h.Size))); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(data)
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Nothing but files and folders of an archive is written, and nothing outside,
// whatever the archive is.
func FuzzUnpack(f *testing.F) {
	good := archive(f, tar.Header{Name: "a/", Typeflag: tar.TypeDir}, tar.Header{Name: "a/b", Size: 3}, tar.Header{Name: "./c/d", Size: 600})
	f.Add(good)
	f.Add(zipped(f, good))
	f.Add(good[:700])
	f.Add(zipped(f, good)[:60])
	f.Add([]byte{0x1f, 0x8b})
	for _, h := range []tar.Header{
		{Name: "../out", Size: 1}, {Name: "/out", Size: 1}, {Name: "a", Typeflag: tar.TypeSymlink, Linkname: ".."},
		{Name: "a", Typeflag: tar.TypeLink, Linkname: "/etc/passwd"}, {Name: "a", Typeflag: tar.TypeFifo}, {Name: ".", Size: 1}, {Name: "", Size: 1},
		{Name: strings.Repeat("n", 300), Size: 1},
	} {
		f.Add(archive(f, h))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		outer := t.TempDir()
		inner := filepath.Join(outer, "inner")
		if err := os.Mkdir(inner, 0o700); err != nil {
			t.Fatal(err)
		}
		err := Unpack(t.Context(), write(t, filepath.Join(outer, "archive"), string(data)), inner)
		var e *Error
		if err != nil && (!errors.As(err, &e) || e.Help == "") {
			t.Errorf("%T %v", err, err)
		}
		if entries, err := os.ReadDir(outer); err != nil || len(entries) != 2 {
			t.Errorf("%v, %v", entries, err)
		}
		walkErr := filepath.WalkDir(inner, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && !d.Type().IsRegular() {
				t.Errorf("%s is %v", path, d.Type())
			}
			return err
		})
		if walkErr != nil {
			t.Error(walkErr)
		}
	})
}

func TestUnpack(t *testing.T) {
	data := archive(t, tar.Header{Name: "tool/", Typeflag: tar.TypeDir}, tar.Header{Name: "tool/a", Size: 3})
	for _, data := range [][]byte{data, zipped(t, data)} {
		dir := t.TempDir()
		if err := Unpack(t.Context(), write(t, filepath.Join(t.TempDir(), "archive"), string(data)), dir); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(top(dir), "a")); err != nil || string(got) != "xxx" {
			t.Errorf("%q, %v", got, err)
		}
	}
}
