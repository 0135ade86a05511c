// SPDX-License-Identifier: Apache-2.0

package layer_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// The entries of these tests, in short.
func put(name string, n *tree.Node) layer.Entry {
	return layer.Entry{Change: tree.Change{Name: name, Node: n}}
}

func file(name, content string) layer.Entry {
	return with(put(name, &tree.Node{Mode: 0o644, Size: int64(len(content))}), content)
}

func with(e layer.Entry, content string) layer.Entry {
	e.Open = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil }
	return e
}
func dir(name string) layer.Entry { return put(name, &tree.Node{Kind: tree.Dir, Mode: 0o755}) }
func link(name, target string) layer.Entry {
	return layer.Entry{Change: tree.Change{Op: tree.Link, Name: name, Target: target}}
}

func remove(name string) layer.Entry {
	return layer.Entry{Change: tree.Change{Op: tree.Remove, Name: name}}
}

func wipe(name string) layer.Entry {
	return layer.Entry{Change: tree.Change{Op: tree.Clear, Name: name}}
}

// write writes a layer to memory.
func write(t testing.TB, entries ...layer.Entry) ([]byte, *layer.Layer) {
	t.Helper()
	var buf bytes.Buffer
	l, err := layer.Write(&buf, entries)
	if err != nil {
		t.Fatal(err)
	}
	return buf.Bytes(), l
}

// headers returns the names in a tar, a hard link as "a => b".
func headers(t *testing.T, data []byte) string {
	t.Helper()
	var out []string
	for tr := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return strings.Join(out, " ")
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeLink {
			h.Name += "=>" + h.Linkname
		}
		out = append(out, h.Name)
	}
}

func TestWriteOrders(t *testing.T) {
	shared := &tree.Node{Size: 1}
	for name, test := range map[string]struct {
		entries []layer.Entry
		want    string
	}{
		"folders before what is in them":       {[]layer.Entry{file("a-b", ""), file("a/b", ""), dir("a"), file("a.b", "")}, "a/ a/b a-b a.b"},
		"the root first":                       {[]layer.Entry{file("a", ""), dir(".")}, "./ a"},
		"whiteouts first in their folder":      {[]layer.Entry{file("b/a", ""), remove("b/z"), dir("b"), wipe("b"), file("a", ""), remove("z")}, ".wh.z a b/ b/.wh..wh..opq b/.wh.z b/a"},
		"an opaque root":                       {[]layer.Entry{wipe("."), file("a", "")}, ".wh..wh..opq a"},
		"a folder that is removed and put":     {[]layer.Entry{remove("a"), dir("a"), file("a/f", "")}, "a/ a/.wh..wh..opq a/f"},
		"a file that is removed and put":       {[]layer.Entry{file("a", ""), remove("a")}, "a"},
		"a whiteout said twice":                {[]layer.Entry{remove("a"), remove("a"), wipe("b"), remove("b"), dir("b")}, ".wh.a b/ b/.wh..wh..opq"},
		"the last of one name":                 {[]layer.Entry{dir("a"), file("a", "")}, "a"},
		"a link after its file":                {[]layer.Entry{link("a", "b"), file("b", "")}, "a b=>a"},
		"a link to a link":                     {[]layer.Entry{link("c", "b"), file("a", ""), link("b", "a")}, "a b=>a c=>a"},
		"links to a layer below":               {[]layer.Entry{link("a", "b"), link("b", "z")}, "a=>z b=>z"},
		"names with one node":                  {[]layer.Entry{with(put("b", shared), "x"), put("a", shared)}, "a b=>a"},
		"folders with one node are not linked": {[]layer.Entry{put("b", dir("").Node), dir("a")}, "a/ b/"},
		"bytes below /":                        {[]layer.Entry{file("a\x01b", ""), file("a", "")}, "a a\x01b"},
	} {
		t.Run(name, func(t *testing.T) {
			data, _ := write(t, test.entries...)
			if got := headers(t, data); got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

func TestSharedFilesAreWrittenOnce(t *testing.T) {
	shared := &tree.Node{Size: 1}
	data, l := write(t, with(put("b", shared), "x"), put("a", shared))
	h := sha256.Sum256([]byte("x"))
	if got := l.Changes[0].Node.Content.Digest; got != "sha256:"+hex.EncodeToString(h[:]) {
		t.Errorf("the bytes of the file are not those of the entry that has them: %s", got)
	}
	if !bytes.Contains(data, []byte("x")) {
		t.Error("no content")
	}
}

// everything has one of each.
func everything() []layer.Entry {
	long := strings.Repeat("long/", 60) + "name"
	return []layer.Entry{
		put(".", &tree.Node{Kind: tree.Dir, Mode: 0o755, ModTime: time.Unix(5, 0).UTC()}),
		put("d", &tree.Node{Kind: tree.Dir, Mode: 0o1777, UID: 7, GID: 8, ModTime: time.Unix(1e9, 0).UTC()}),
		with(put("d/set", &tree.Node{Mode: 0o6755, UID: 4294967295, GID: 3000000, Size: 3, ModTime: time.Unix(-5, 0).UTC()}), "abc"),
		with(put("d/cap", &tree.Node{Mode: 0o755, Size: 1, Xattrs: map[string]string{"security.capability": "\x01\x00\x00\x02", "user.b": "", "user.a": "é"}}), "x"),
		put("d/empty", &tree.Node{}),
		file(long, "long"),
		file("new\nline", "1"), file("bad\xffutf8", "2"), file(`back\slash`, "3"), file("späť", "4"), file("-", "5"),
		put("s", &tree.Node{Kind: tree.Symlink, Mode: 0o777, Target: "../" + long}),
		put("null", &tree.Node{Kind: tree.CharDevice, Mode: 0o666, Major: 1, Minor: 3}),
		put("disk", &tree.Node{Kind: tree.BlockDevice, Mode: 0o660, Major: 259, Minor: 70000}),
		put("pipe", &tree.Node{Kind: tree.Fifo, Mode: 0o600}),
		link("z", "d/set"), link("0", "below"), remove("gone"), wipe("d"), remove("d/new\nline"),
		file("etc/passwd", "root:x:0:0::/:/bin/sh\n"), file("block", strings.Repeat("b", 512)), file("more", strings.Repeat("m", 200_000)),
	}
}

func TestWriteIsDeterministic(t *testing.T) {
	entries := everything()
	want, l := write(t, entries...)
	const digest = "sha256:ecd39e571d64ba3a074b636dc8a43c5333b2aa4cfab3f87fb435172dc22bc071"
	if l.Digest != digest {
		t.Errorf("the layer is %s, not %s: all that was built before has another digest now", l.Digest, digest)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		r.Shuffle(len(entries), func(i, j int) { entries[i], entries[j] = entries[j], entries[i] })
		if got, _ := write(t, entries...); !bytes.Equal(got, want) {
			t.Fatal("another order of the entries gives another layer")
		}
	}
}

func TestIndexIsWhatWasWritten(t *testing.T) {
	data, written := write(t, everything()...)
	sum := sha256.Sum256(data)
	if written.Digest != "sha256:"+hex.EncodeToString(sum[:]) || written.Size != int64(len(data)) {
		t.Errorf("%s, %d bytes: not those of the tar", written.Digest, written.Size)
	}
	read, err := layer.Index(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(written, read, cmpopts.IgnoreUnexported(layer.Layer{})); diff != "" {
		t.Error(diff)
	}
	decoded, err := layer.Decode(read.Encode())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(read, decoded, cmp.AllowUnexported(layer.Layer{})); diff != "" {
		t.Error(diff)
	}
}

func TestWriteKeepsWhatItIsGiven(t *testing.T) {
	want := map[string]*tree.Node{}
	for _, e := range everything() {
		if e.Op == tree.Put {
			want[e.Name] = e.Node
		}
	}
	_, l := write(t, everything()...)
	for _, c := range l.Changes {
		if c.Op != tree.Put {
			continue
		}
		w := *want[c.Name]
		if w.ModTime.IsZero() {
			w.ModTime = time.Unix(0, 0).UTC()
		}
		if diff := cmp.Diff(&w, c.Node, cmpopts.IgnoreFields(tree.Node{}, "Content")); diff != "" {
			t.Errorf("%s: %s", c.Name, diff)
		}
	}
}

func TestTimesAreCutToSeconds(t *testing.T) {
	e := file("a", "")
	e.Node.ModTime = time.Unix(1e9, 999_999_999)
	data, l := write(t, e)
	if got := l.Changes[0].Node.ModTime; !got.Equal(time.Unix(1e9, 0)) {
		t.Errorf("got %s", got)
	}
	e.Node.ModTime = time.Unix(1e9, 0)
	if again, _ := write(t, e); !bytes.Equal(data, again) {
		t.Error("the fraction is in the tar")
	}
}

func TestWriteRefuses(t *testing.T) {
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		entry layer.Entry
		want  string
	}{
		"a file that became shorter":    {with(put("a", &tree.Node{Size: 5}), "1234"), "became shorter while it was read: 4 of 5 bytes"},
		"a file that became longer":     {with(put("a", &tree.Node{Size: 3}), "1234"), "became longer than its 3 bytes"},
		"an empty file that has become": {with(put("a", &tree.Node{}), "1234"), "became longer than its 0 bytes"},
		"a file without content":        {put("a", &tree.Node{Size: 3}), "has a size but no content"},
		"a file that cannot be opened": {layer.Entry{Change: tree.Change{Name: "a", Node: &tree.Node{Size: 1}}, Open: func() (io.ReadCloser, error) {
			return nil, broken
		}}, "broken"},
		"a name that reads as whiteout": {file("a/.wh.b", ""), "begin with \".wh.\""},
		"a name out of the tree":        {file("../a", ""), "leads out of the tree"},
		"a link that is its own target": {link("a", "a"), "lead to each other"},
		"a link to a folder":            {link("a", "folder"), "it is a folder"},
		"a link out of the tree":        {link("a", "/b"), "not a clean relative path"},
		"no file":                       {put("a", nil), "no file"},
		"an attribute with = in it":     {put("a", &tree.Node{Xattrs: map[string]string{"user.a=b": ""}}), "PAX"},
		"an operation that is none":     {layer.Entry{Change: tree.Change{Op: 9, Name: "a"}}, "operation is unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := layer.Write(io.Discard, []layer.Entry{dir("folder"), test.entry})
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), test.entry.Name) {
				t.Errorf("got %v, want an error that names %q and says %q", err, test.entry.Name, test.want)
			}
		})
	}
}

func TestWriteReportsTheDisk(t *testing.T) {
	full := errors.New("disk full")
	_, err := layer.Write(failing{full}, []layer.Entry{file("a", "1")})
	if !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// TestBytesComeBack opens each file, in any order.
func TestBytesComeBack(t *testing.T) {
	data, l := write(t, everything()...)
	path := filepath.Join(t.TempDir(), "tar")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	indexed, err := layer.Index(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	for _, src := range []layer.Source{{Layer: l, Path: path}, {Layer: indexed, Path: path, Compressed: true}} {
		for _, e := range everything() {
			if e.Open == nil {
				continue
			}
			want, _ := e.Open()
			wanted, _ := io.ReadAll(want)
			if got := content(t, src, e.Name); got != string(wanted) {
				t.Errorf("%q: got %.40q", e.Name, got)
			}
		}
	}
}

// content returns the bytes of a file of a layer.
func content(t *testing.T, src layer.Source, name string) string {
	t.Helper()
	for _, c := range src.Changes {
		if c.Name != name || c.Op != tree.Put {
			continue
		}
		r, err := src.Open(c.Node)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	t.Fatalf("no %q", name)
	return ""
}

func TestEachStreamsTheLayer(t *testing.T) {
	data, l := write(t, everything()...)
	path := filepath.Join(t.TempDir(), "tar")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	i := 0
	err := layer.Source{Layer: l, Path: path}.Each(func(c tree.Change, r io.Reader) error {
		if c.Name != l.Changes[i].Name || c.Node != l.Changes[i].Node {
			t.Errorf("%q is not change %d", c.Name, i)
		}
		i++
		if (r != nil) != (c.Node != nil && c.Node.Kind == tree.File) {
			t.Errorf("%q: content %v", c.Name, r)
		}
		if r == nil || c.Name == "more" || c.Name == "block" { // need not be read
			return nil
		}
		h := sha256.New()
		if _, err := io.Copy(h, r); err != nil {
			return err
		}
		if got := "sha256:" + hex.EncodeToString(h.Sum(nil)); got != c.Node.Content.Digest {
			t.Errorf("%q: other bytes", c.Name)
		}
		return nil
	})
	if err != nil || i != len(l.Changes) {
		t.Errorf("%d of %d changes, %v", i, len(l.Changes), err)
	}
	mine := errors.New("mine")
	if err := (layer.Source{Layer: l, Path: path}).Each(func(tree.Change, io.Reader) error { return mine }); !errors.Is(err, mine) {
		t.Errorf("got %v", err)
	}
}

func TestAnotherTarIsFoundOut(t *testing.T) {
	_, l := write(t, file("a", "1"), file("b", "2"))
	for name, entries := range map[string][]layer.Entry{
		"fewer entries":  {file("a", "1")},
		"other names":    {file("a", "1"), file("c", "2")},
		"another size":   {file("a", "1"), file("b", "222")},
		"another change": {file("a", "1"), link("b", "a")},
	} {
		data, _ := write(t, entries...)
		path := filepath.Join(t.TempDir(), "tar")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		src := layer.Source{Layer: l, Path: path}
		if err := src.Each(func(tree.Change, io.Reader) error { return nil }); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("%s: Each: %v", name, err)
		}
		if name == "other names" {
			continue // the offset leads to a file of the same size
		}
		if r, err := src.Open(l.Changes[1].Node); err == nil {
			r.Close()
			t.Errorf("%s: Open finds nothing wrong", name)
		}
	}
	if _, err := (layer.Source{Layer: l}).Open(&tree.Node{Size: 1, Content: tree.Content{Layer: "sha256:other"}}); err == nil {
		t.Error("a file of another layer was opened")
	}
	if _, err := (layer.Source{Layer: l}).Open(&tree.Node{Kind: tree.Dir}); err == nil {
		t.Error("a folder was opened")
	}
}

func TestWithParents(t *testing.T) {
	tr, err := tree.Empty().Apply([]tree.Change{
		put("a", &tree.Node{Kind: tree.Dir, Mode: 0o700, UID: 5}).Change,
		put("a/b", &tree.Node{Kind: tree.Dir, Mode: 0o711}).Change,
		file("f", "").Change,
	})
	if err != nil {
		t.Fatal(err)
	}
	entries := []layer.Entry{file("a/b/c/f", ""), remove("a/b/g"), dir("a/b/c"), file("top", ""), dir("x/y")}
	before := len(entries)
	data, l := write(t, layer.WithParents(entries, tr)...)
	if got, want := headers(t, data), "a/ a/b/ a/b/.wh.g a/b/c/ a/b/c/f top x/y/"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if n := l.Changes[0].Node; n.Mode != 0o700 || n.UID != 5 {
		t.Errorf("the folder has mode %o and owner %d", n.Mode, n.UID)
	}
	if len(entries) != before {
		t.Error("the entries changed")
	}
}
