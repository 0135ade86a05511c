// SPDX-License-Identifier: Apache-2.0

package layer_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// pack makes a tar of headers; files have zeros in them.
func pack(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, h := range headers {
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatalf("%q: %v", h.Name, err)
		}
		if h.Typeflag == tar.TypeReg {
			if _, err := io.CopyN(w, zeros{}, h.Size); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestIndexReadsWhatOthersWrite(t *testing.T) {
	for name, test := range map[string]struct {
		header tar.Header
		want   string
	}{
		"dot":                    {tar.Header{Name: "./a"}, "put a"},
		"root":                   {tar.Header{Name: "./", Typeflag: tar.TypeDir}, "put ."},
		"absolute":               {tar.Header{Name: "/ko-app/x"}, "put ko-app/x"},
		"slashes":                {tar.Header{Name: "a//b/./c/", Typeflag: tar.TypeDir}, "put a/b/c"},
		"hard link":              {tar.Header{Name: "b", Typeflag: tar.TypeLink, Linkname: "/a/./b"}, "link b a/b"},
		"whiteout":               {tar.Header{Name: "./a/.wh.b"}, "remove a/b"},
		"whiteout in the root":   {tar.Header{Name: ".wh.b"}, "remove b"},
		"opaque":                 {tar.Header{Name: "a/.wh..wh..opq"}, "clear a"},
		"opaque root":            {tar.Header{Name: ".wh..wh..opq"}, "clear ."},
		"aufs":                   {tar.Header{Name: ".wh..wh.plnk/1.2"}, ""},
		"global PAX header":      {tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"comment": "x"}}, ""},
		"GNU name":               {tar.Header{Name: strings.Repeat("a", 200), Format: tar.FormatGNU}, "put " + strings.Repeat("a", 200)},
		"a file that is .wh.ish": {tar.Header{Name: "a.wh.b"}, "put a.wh.b"},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := layer.Index(bytes.NewReader(pack(t, test.header)))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, c := range l.Changes {
				op := map[tree.Op]string{tree.Put: "put", tree.Link: "link", tree.Remove: "remove", tree.Clear: "clear"}[c.Op]
				got = append(got, strings.TrimSpace(op+" "+c.Name+" "+c.Target))
			}
			if s := strings.Join(got, ", "); s != test.want {
				t.Errorf("got %q, want %q", s, test.want)
			}
		})
	}
}

func TestIndexReadsAttributes(t *testing.T) {
	l, err := layer.Index(bytes.NewReader(pack(t, tar.Header{
		Name: "a", Mode: 0o104755, Uid: 5, Gid: 6, Uname: "joe", ModTime: time.Unix(7, 8000), Format: tar.FormatPAX,
		PAXRecords: map[string]string{"SCHILY.xattr.user.a": "\x00b", "LIBARCHIVE.creationtime": "1"},
	}, tar.Header{Name: "l", Typeflag: tar.TypeSymlink, Linkname: "../x//y", Mode: 0o644})))
	if err != nil {
		t.Fatal(err)
	}
	want := []tree.Node{
		{Mode: 0o4755, UID: 5, GID: 6, ModTime: time.Unix(7, 8000).UTC(), Xattrs: map[string]string{"user.a": "\x00b"}},
		{Kind: tree.Symlink, Mode: 0o777, Target: "../x//y", ModTime: time.Unix(0, 0).UTC()},
	}
	for i, c := range l.Changes {
		c.Node.Content = tree.Content{}
		if diff := cmp.Diff(want[i], *c.Node); diff != "" {
			t.Error(diff)
		}
	}
}

func TestIndexRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		header tar.Header
		want   string
	}{
		"up":                    {tar.Header{Name: "../a"}, `".."`},
		"up in the midst":       {tar.Header{Name: "a/../../b"}, `".."`},
		"hard link up":          {tar.Header{Name: "a", Typeflag: tar.TypeLink, Linkname: "../../etc/shadow"}, `".."`},
		"whiteout of nothing":   {tar.Header{Name: "a/.wh."}, "names nothing"},
		"whiteout of itself":    {tar.Header{Name: "a/.wh.."}, "names nothing"},
		"whiteout of above":     {tar.Header{Name: "a/.wh..."}, "names nothing"},
		"owner below zero":      {tar.Header{Name: "a", Uid: -1, Format: tar.FormatGNU}, "owner -1:0 is out of range"},
		"owner above 32 bits":   {tar.Header{Name: "a", Gid: 1 << 32}, "out of range"},
		"device above 32 bits":  {tar.Header{Name: "a", Typeflag: tar.TypeChar, Devmajor: 1 << 32, Format: tar.FormatGNU}, "out of range"},
		"unknown type":          {tar.Header{Name: "a", Typeflag: 'Z'}, "type of entry 'Z'"},
		"a long part":           {tar.Header{Name: strings.Repeat("a", 256)}, "longer than 255"},
		"a long name":           {tar.Header{Name: strings.Repeat("a/", 2100) + "a"}, "longer than 4095"},
		"a huge attribute":      {tar.Header{Name: "a", PAXRecords: map[string]string{"SCHILY.xattr.user.a": strings.Repeat("x", 65537)}}, "larger than Linux takes"},
		"an attribute unnamed":  {tar.Header{Name: "a", PAXRecords: map[string]string{"SCHILY.xattr.": "x"}}, "larger than Linux takes"},
		"an attribute too long": {tar.Header{Name: "a", PAXRecords: map[string]string{"SCHILY.xattr." + strings.Repeat("n", 256): "x"}}, "larger than Linux takes"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := layer.Index(bytes.NewReader(pack(t, test.header)))
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), fmt.Sprintf("%.300q", test.header.Name)) {
				t.Errorf("got %.300v, want an error that names the entry and says %q", err, test.want)
			}
		})
	}
}

// raw makes a ustar header by hand, for what archive/tar does not write.
func raw(typeflag byte, name, size string, edit ...func(h []byte)) []byte {
	h := make([]byte, 512)
	copy(h, name)
	copy(h[100:], "0000644\x000000000\x000000000\x00")
	copy(h[124:], size)
	copy(h[136:], "00000000000\x00")
	h[156] = typeflag
	copy(h[257:], "ustar\x0000")
	for _, e := range edit {
		e(h)
	}
	copy(h[148:], "        ")
	sum := 0
	for _, c := range h {
		sum += int(c)
	}
	copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
	return h
}

func TestIndexRefusesBrokenTars(t *testing.T) {
	good := pack(t, tar.Header{Name: "a", Size: 2000}, tar.Header{Name: "b"})
	negative := raw('0', "neg", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")
	for name, data := range map[string][]byte{
		"cut in a header":         good[:100],
		"cut in a file":           good[:1000],
		"not a tar":               bytes.Repeat([]byte("zlayer"), 1000),
		"a negative size":         negative,
		"a size beyond the end":   raw('0', "big", "77777777777\x00"),
		"a PAX header of its own": raw('x', "pax", "77777777777\x00"),
	} {
		if _, err := layer.Index(bytes.NewReader(data)); err == nil || !strings.Contains(err.Error(), "reading") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if l, err := layer.Index(strings.NewReader("")); err != nil || l.Size != 0 {
		t.Errorf("nothing is a layer of nothing: %v, %v", l, err)
	}
	broken := errors.New("broken")
	if _, err := layer.Index(io.MultiReader(bytes.NewReader(good[:700]), iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func TestIndexCoversWhatFollowsTheTar(t *testing.T) {
	data := pack(t, tar.Header{Name: "a"})
	padded := append(bytes.Clone(data), make([]byte, 9000)...)
	a, err1 := layer.Index(bytes.NewReader(data))
	b, err2 := layer.Index(iotest.OneByteReader(bytes.NewReader(padded)))
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	if a.Digest == b.Digest || b.Size != int64(len(padded)) {
		t.Error("the padding is not part of the layer")
	}
}

// sparse is a file "hole" of 1 MiB with "data" in its midst, as GNU tar writes
// it (PAX 1.0), and a file after it.
func sparse(size string) []byte {
	records := ""
	for _, kv := range [][2]string{{"GNU.sparse.major", "1"}, {"GNU.sparse.minor", "0"}, {"GNU.sparse.name", "hole"}, {"GNU.sparse.realsize", size}} {
		n := len(kv[0]) + len(kv[1]) + 3
		n += len(fmt.Sprint(n + 2))
		records += fmt.Sprintf("%d %s=%s\n", n, kv[0], kv[1])
	}
	block := func(s string) []byte { return append([]byte(s), make([]byte, 512-len(s))...) }
	var out []byte
	out = append(out, raw('x', "PaxHeaders/hole", fmt.Sprintf("%011o\x00", len(records)))...)
	out = append(out, block(records)...)
	out = append(out, raw('0', "GNUSparseFile/hole", fmt.Sprintf("%011o\x00", 512+4))...)
	out = append(out, block("1\n4096\n4\n")...)
	out = append(out, block("data")...)
	out = append(out, raw('0', "after", fmt.Sprintf("%011o\x00", 5))...)
	out = append(out, block("after")...)
	return append(out, make([]byte, 1024)...)
}

func TestSparseFiles(t *testing.T) {
	data := sparse("1048576")
	l, err := layer.Index(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "tar")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	src := layer.Source{Layer: l, Path: path}
	hole := content(t, src, "hole")
	if want := strings.Repeat("\x00", 4096) + "data" + strings.Repeat("\x00", 1<<20-4100); hole != want {
		t.Errorf("the hole has %d bytes", len(hole))
	}
	if got := content(t, src, "after"); got != "after" {
		t.Errorf("after the hole: %q", got)
	}
	_, err = layer.Index(bytes.NewReader(sparse("9000000000000000")))
	if err == nil || !strings.Contains(err.Error(), `"hole"`) {
		t.Errorf("a hole of 9 PB: %v", err)
	}
}

func TestManyEntriesAreRefused(t *testing.T) {
	_, err := layer.IndexAtMost(&bomb{header: raw('5', "d/", "00000000000\x00")}, 1000, 1<<20)
	if err == nil || !strings.Contains(err.Error(), `"d": the layer has more than 1000 entries`) {
		t.Errorf("got %v", err)
	}
}

// TestMuchTextIsRefused has few entries with much in each.
func TestMuchTextIsRefused(t *testing.T) {
	name := strings.Repeat("n", 250)
	data := pack(t, tar.Header{Name: "a", PAXRecords: map[string]string{"SCHILY.xattr.user." + name: strings.Repeat("x", 65000)}})
	_, err := layer.IndexAtMost(&bomb{header: data[:len(data)-1024]}, 1000, 1<<20)
	if err == nil || !strings.Contains(err.Error(), `"a": the names and attributes of the layer have more than 1048576 bytes`) {
		t.Errorf("got %v", err)
	}
}

// bomb is a tar that has one entry without end.
type bomb struct {
	header []byte
	left   []byte
}

func (b *bomb) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if len(b.left) == 0 {
			b.left = b.header
		}
		m := copy(p[n:], b.left)
		n, b.left = n+m, b.left[m:]
	}
	return n, nil
}
