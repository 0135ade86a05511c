// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// pack makes a tar of "name", "content" pairs; a content "-> x" is a link.
func pack(t *testing.T, files ...string) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for i := 0; i < len(files); i += 2 {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: files[i], Mode: 0o644, Size: int64(len(files[i+1]))}
		if target, ok := strings.CutPrefix(files[i+1], "-> "); ok {
			h = &tar.Header{Typeflag: tar.TypeSymlink, Name: files[i], Linkname: target}
		}
		must(t, w.WriteHeader(h))
		if h.Typeflag == tar.TypeReg {
			_, err := io.WriteString(w, files[i+1])
			must(t, err)
		}
	}
	must(t, w.Close())
	return buf.Bytes()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func spool(t testing.TB) func() (*os.File, error) {
	return func() (*os.File, error) { return os.CreateTemp(t.TempDir(), "") }
}

const dockerManifest = `[{"Config":"c.json","RepoTags":["app:1","app:2"],"Layers":["a/layer.tar","b/layer.tar"]},{"Config":"d.json","Layers":null}]`

func dockerTar(t *testing.T) []byte {
	return pack(t, "a/layer.tar", "first", "b/layer.tar", "-> ../a/layer.tar", "c.json", "{}", "./manifest.json", dockerManifest)
}

// TestCompressions reads the same archive in every form it may come in, from a
// file and through a pipe.
func TestCompressions(t *testing.T) {
	data := dockerTar(t)
	compressors := map[string]func(io.Writer) io.WriteCloser{
		"gzip": func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
		"zstd": func(w io.Writer) io.WriteCloser { z, err := zstd.NewWriter(w); must(t, err); return z },
		"xz":   func(w io.Writer) io.WriteCloser { x, err := xz.NewWriter(w); must(t, err); return x },
		"none": nil,
	}
	for name, compress := range compressors {
		t.Run(name, func(t *testing.T) {
			packed := data
			if compress != nil {
				var buf bytes.Buffer
				w := compress(&buf)
				_, err := w.Write(data)
				must(t, err)
				must(t, w.Close())
				packed = buf.Bytes()
			}
			file := filepath.Join(t.TempDir(), "x.tar")
			must(t, os.WriteFile(file, packed, 0o600))
			a, err := Open(file, spool(t))
			must(t, err)
			checkDocker(t, a)
			a, err = Read(bytes.NewReader(packed), spool(t))
			must(t, err)
			checkDocker(t, a)
		})
	}
}

func checkDocker(t *testing.T, a *Archive) {
	t.Helper()
	defer a.Close()
	got, err := a.Images()
	must(t, err)
	want := []Image{{Names: []string{"app:1", "app:2"}, Config: "c.json", Layers: []string{"a/layer.tar", "b/layer.tar"}}, {Config: "d.json"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, layer := range got[0].Layers {
		f, err := a.Open(layer)
		must(t, err)
		if data, err := io.ReadAll(f); err != nil || string(data) != "first" {
			t.Errorf("%s is %q, %v", layer, data, err)
		}
	}
}

func TestNames(t *testing.T) {
	const digest = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
	entry := func(annotations string) string {
		return `{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"` + digest + `","size":1,"annotations":` + annotations + `}`
	}
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, indexFile), []byte(`{"schemaVersion":2,"manifests":[`+strings.Join([]string{
		entry(`{"org.opencontainers.image.ref.name":"latest"}`),
		entry(`{"org.opencontainers.image.ref.name":"1.0","io.containerd.image.name":"docker.io/library/a:1.0"}`),
		entry(`{"org.opencontainers.image.ref.name":"r.example/b:2"}`),
		entry(`{}`),
	}, ",")+`]}`), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, dockerFile), []byte("what does not count beside an index"), 0o600))
	a, err := Open(dir, spool(t))
	must(t, err)
	defer a.Close()
	got, err := a.Images()
	must(t, err)
	if len(got) != 1 || !cmp.Equal(got[0].Names, []string{"docker.io/library/a:1.0", "r.example/b:2"}) || got[0].OCI.Digest.String() != digest {
		t.Errorf("got %+v", got)
	}
}

func TestUnusable(t *testing.T) {
	for name, tt := range map[string]struct {
		data []byte
		want string
	}{
		"empty":         {nil, "neither index.json"},
		"no tar":        {bytes.Repeat([]byte("x"), 2000), "not a tar"},
		"cut":           {dockerTar(t)[:515], "damaged"},
		"cut gzip":      {[]byte{0x1f, 0x8b, 8, 0}, "compression is damaged"},
		"no documents":  {pack(t, "a", "b"), "neither index.json"},
		"no image":      {pack(t, dockerFile, "[]"), "lists no image"},
		"malformed":     {pack(t, indexFile, "{"), "index.json is malformed"},
		"link to self":  {pack(t, dockerFile, "-> manifest.json"), "neither index.json"},
		"link out":      {pack(t, indexFile, "-> ../../etc/passwd", dockerFile, "-> /etc/passwd"), "neither index.json"},
		"huge document": {pack(t, dockerFile, strings.Repeat(" ", maxDocument+1)), "more than"},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := Read(bytes.NewReader(tt.data), spool(t))
			if err == nil {
				defer a.Close()
				_, err = a.Images()
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v does not say %q", err, tt.want)
			}
		})
	}
}

// TestFolderStaysInside opens links out of a folder, and things that are no
// files.
func TestFolderStaysInside(t *testing.T) {
	dir := t.TempDir()
	must(t, os.Symlink("/etc/passwd", filepath.Join(dir, "out")))
	must(t, os.Mkdir(filepath.Join(dir, "dir"), 0o700))
	a, err := Open(dir, spool(t))
	must(t, err)
	defer a.Close()
	for _, name := range []string{"out", "dir", "../x", "/etc/passwd"} {
		if _, err := a.Open(name); err == nil {
			t.Errorf("%s was opened", name)
		}
	}
	if _, err := Open(filepath.Join(dir, "missing"), spool(t)); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func FuzzRead(f *testing.F) {
	t := &testing.T{}
	f.Add(dockerTar(t))
	f.Add(pack(t, indexFile, `{"manifests":[{"digest":"sha256:00"}]}`))
	f.Add([]byte{0x1f, 0x8b})
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := Read(bytes.NewReader(data), spool(t))
		if err != nil {
			return
		}
		defer a.Close()
		list, err := a.Images()
		if err == nil && len(list) == 0 {
			t.Error("neither an image nor an error")
		}
	})
}
