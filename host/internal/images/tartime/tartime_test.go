// SPDX-License-Identifier: Apache-2.0

package tartime

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const testEpoch = 1_000_000

func rewrite(t *testing.T, in []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := Rewrite(&out, bytes.NewReader(in), testEpoch); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// entries reads a tar with the standard library. Only what rewriting may
// change is left out of the headers.
func entries(t *testing.T, data []byte) (headers []tar.Header, contents []string) {
	t.Helper()
	for tr := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := tr.Next()
		if err == io.EOF {
			return headers, contents
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		h.Format, h.PAXRecords = 0, nil
		headers, contents = append(headers, *h), append(contents, string(body))
	}
}

// everything is a tar with each kind of entry and of extended header.
func everything(t *testing.T, mtime time.Time, format tar.Format) []byte {
	t.Helper()
	long := strings.Repeat("directory/", 20) + "file"
	times := func(h tar.Header) *tar.Header {
		h.ModTime, h.Uname, h.Gname, h.Format = mtime, "joe", "staff", format
		if format == tar.FormatPAX {
			h.AccessTime, h.ChangeTime = mtime.Add(time.Hour), mtime.Add(time.Second)
		}
		return &h
	}
	list := []*tar.Header{
		times(tar.Header{Typeflag: tar.TypeDir, Name: "d/", Mode: 0o1777, Uid: 5, Gid: 6}),
		times(tar.Header{Typeflag: tar.TypeReg, Name: "d/f", Mode: 0o4755, Size: 700}),
		times(tar.Header{Typeflag: tar.TypeReg, Name: "empty", Mode: 0o644}),
		times(tar.Header{Typeflag: tar.TypeLink, Name: "hard", Linkname: "d/f"}),
		times(tar.Header{Typeflag: tar.TypeSymlink, Name: "soft", Linkname: "/" + long}),
		times(tar.Header{Typeflag: tar.TypeReg, Name: long, Size: 3, Uid: 1 << 22}),
		times(tar.Header{Typeflag: tar.TypeChar, Name: "null", Devmajor: 1, Devminor: 3}),
		times(tar.Header{Typeflag: tar.TypeFifo, Name: "pipe"}),
	}
	if format == tar.FormatPAX {
		list[1].PAXRecords = map[string]string{"SCHILY.xattr.security.capability": "\x01\x00\n=\x02", "SCHILY.ino": "77", "SCHILY.xattr.user.a": "1"}
		list[2].Name = "имя"
	}
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, h := range list {
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(bytes.Repeat([]byte("x"), int(h.Size))); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestRewriteKeepsAllButTimesAndNames(t *testing.T) {
	for _, format := range []tar.Format{tar.FormatPAX, tar.FormatGNU} {
		in := everything(t, time.Unix(testEpoch+100, 5e8), format)
		want, wantContents := entries(t, in)
		for i := range want {
			want[i].ModTime, want[i].AccessTime, want[i].ChangeTime = time.Unix(testEpoch, 0), time.Time{}, time.Time{}
			want[i].Uname, want[i].Gname = "", ""
			for key := range want[i].Xattrs { //nolint:staticcheck // an old archive may have them
				if !strings.HasPrefix(key, "user") && !strings.HasPrefix(key, "security") {
					t.Errorf("unexpected %q", key)
				}
			}
		}
		out := rewrite(t, in)
		got, gotContents := entries(t, out)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%v: %s", format, diff)
		}
		if !slices.Equal(wantContents, gotContents) {
			t.Errorf("%v: contents differ", format)
		}
		if again := rewrite(t, out); !bytes.Equal(again, out) {
			t.Errorf("%v: rewriting twice is not rewriting once", format)
		}
		if other := rewrite(t, everything(t, time.Unix(testEpoch+999, 123), format)); !bytes.Equal(other, out) {
			t.Errorf("%v: other times give another tar", format)
		}
	}
}

func TestRewriteLeavesEarlierTimes(t *testing.T) {
	early := time.Unix(testEpoch-5, 25e7)
	got, _ := entries(t, rewrite(t, everything(t, early, tar.FormatPAX)))
	for _, h := range got {
		if !h.ModTime.Equal(early) {
			t.Errorf("%s: time %v, want %v", h.Name, h.ModTime, early)
		}
	}
}

// TestRewriteKeepsSparseFiles asks GNU tar, which writes sparse files in all
// their forms, and reads them back.
func TestRewriteKeepsSparseFiles(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("other systems have another tar")
	}
	gnuTar, err := exec.LookPath("tar")
	if err != nil {
		t.Fatal("this test needs GNU tar: ", err)
	}
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "sparse"))
	if err != nil {
		t.Fatal(err)
	}
	const holes = 30 // more than the header of an old sparse file has room for
	for i := range holes {
		if _, err := f.WriteAt([]byte("data"), int64(i)<<20); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range [][]string{{"--format=gnu"}, {"--format=posix", "--sparse-version=0.0"}, {"--format=posix", "--sparse-version=0.1"}, {"--format=posix", "--sparse-version=1.0"}} {
		args := append(form, "-S", "-C", dir, "-c", "sparse")
		in, err := exec.Command(gnuTar, args...).Output()
		if err != nil {
			t.Fatal(err)
		}
		out := rewrite(t, in)
		if len(out) > 1<<20 {
			t.Errorf("%v: a tar of %d bytes became %d bytes", form, len(in), len(out))
		}
		headers, contents := entries(t, out)
		if len(headers) != 1 || contents[0] != string(want) || headers[0].ModTime.Unix() != testEpoch {
			t.Errorf("%v: the file is not the same", form)
		}
		cmd := exec.Command(gnuTar, "-xO")
		cmd.Stdin = bytes.NewReader(out)
		if got, err := cmd.Output(); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%v: GNU tar does not read it: %v", form, err)
		}
	}
}

func TestRewriteIgnoresPadding(t *testing.T) {
	in := everything(t, time.Unix(1, 0), tar.FormatPAX)
	if !bytes.Equal(rewrite(t, in), rewrite(t, append(in, make([]byte, 20*blockSize)...))) {
		t.Error("padding at the end changes the tar")
	}
}

func TestRewriteRefusesBrokenTars(t *testing.T) {
	good := everything(t, time.Unix(1, 0), tar.FormatPAX)
	flipped := bytes.Clone(good)
	flipped[3] ^= 1
	for name, in := range map[string][]byte{
		"checksum": flipped, "cut in a header": good[:blockSize/2], "cut in data": good[:5*blockSize+10], "text": bytes.Repeat([]byte("text"), 200),
	} {
		if err := Rewrite(io.Discard, bytes.NewReader(in), testEpoch); !errors.Is(err, ErrTar) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestBinaryNumbers(t *testing.T) {
	for _, want := range []int64{0, 1, -1, 255, 1 << 40, -(1 << 40)} {
		raw := make([]byte, 12)
		for i := range 12 {
			raw[11-i] = byte(want >> min(8*i, 63))
		}
		raw[0] |= 0x80
		if want >= 0 {
			raw[0] &^= 0x40
		}
		if got, err := binaryNumber(raw); err != nil || got != want {
			t.Errorf("got %d, %v; want %d", got, err, want)
		}
	}
}

// FuzzRewrite checks that rewriting ends without a panic, and that what
// the standard library can read before, it reads after with the same names and
// contents.
func FuzzRewrite(f *testing.F) {
	var t testing.T
	f.Add(everything(&t, time.Unix(testEpoch+1, 1), tar.FormatPAX))
	f.Add(everything(&t, time.Unix(testEpoch+1, 0), tar.FormatGNU))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, in []byte) {
		var out bytes.Buffer
		if err := Rewrite(&out, bytes.NewReader(in), testEpoch); err != nil {
			return
		}
		var again bytes.Buffer
		if err := Rewrite(&again, bytes.NewReader(out.Bytes()), testEpoch); err != nil {
			t.Fatalf("the result is refused: %v", err)
		}
		if !bytes.Equal(out.Bytes(), again.Bytes()) {
			t.Fatal("rewriting twice is not rewriting once")
		}
	})
}
