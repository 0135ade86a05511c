// SPDX-License-Identifier: Apache-2.0

package unpack_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/unpack"
)

const text = "the quick brown fox jumps over the lazy dog\n"

// bzipped is text twice; the standard library only unpacks bzip2.
const bzipped = "425a6839314159265359f41f4ef4000024d180001040003ffffff0200050a343400000055534d4c4d308d19a36a4f2cd0f8864a24a3ebd3649b155ae1d154df925a8709b251d26d5caa9b9421ed676edfc5dc914e14243d07d3bd0"

// packed returns data compressed.
func packed(t testing.TB, format string, data []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	var w io.WriteCloser
	var err error
	switch format {
	case "gzip":
		w = gzip.NewWriter(&buf)
	case "zstd":
		w, err = zstd.NewWriter(&buf)
	case "xz":
		w, err = xz.NewWriter(&buf)
	default:
		return data
	}
	if err == nil {
		_, err = w.Write(data)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// read unpacks all.
func read(r io.Reader) (string, error) {
	u, err := unpack.Reader(r)
	if err != nil {
		return "", err
	}
	data, err := io.ReadAll(u)
	return string(data), errors.Join(err, u.Close())
}

func TestReader(t *testing.T) {
	long := strings.Repeat(text, 10_000)
	for _, format := range []string{"gzip", "zstd", "xz", "none"} {
		for name, want := range map[string]string{"nothing": "", "a byte": "x", "long": long} {
			data := packed(t, format, []byte(want))
			if got, err := read(bytes.NewReader(data)); got != want || err != nil {
				t.Errorf("%s, %s: %.50q, %v", format, name, got, err)
			}
			if got, err := read(iotest.OneByteReader(bytes.NewReader(data))); got != want || err != nil {
				t.Errorf("%s, %s, byte by byte: %.50q, %v", format, name, got, err)
			}
		}
		twice := bytes.Repeat(packed(t, format, []byte(text)), 2)
		if got, err := read(bytes.NewReader(twice)); got != text+text || err != nil {
			t.Errorf("%s, two streams: %.100q, %v", format, got, err)
		}
	}
}

func TestBzip2(t *testing.T) {
	data, err := hex.DecodeString(bzipped)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := read(bytes.NewReader(data)); got != text+text || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestSkippableZstdFrame(t *testing.T) {
	data := append([]byte{0x53, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 'h', 'i'}, packed(t, "zstd", []byte(text))...)
	if got, err := read(bytes.NewReader(data)); got != text || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestWhatIsNotCompressedStaysAsItIs(t *testing.T) {
	for _, s := range []string{"BZh9 is a file name, not bzip2", "BZh", "\x1f\x8b", "\x1f\x8b\x07 no gzip", "(\xb5/", "\xfd7zXZ", "PK\x03\x04"} {
		if got, err := read(strings.NewReader(s)); got != s || err != nil {
			t.Errorf("%q: %q, %v", s, got, err)
		}
	}
}

func TestDamageIsAnErrorThatSaysWhatTheStreamIs(t *testing.T) {
	for _, format := range []string{"gzip", "zstd", "xz"} {
		data := packed(t, format, []byte(strings.Repeat(text, 100)))
		cut := data[:len(data)-9]
		if _, err := read(bytes.NewReader(cut)); err == nil || !strings.HasPrefix(err.Error(), format+": ") {
			t.Errorf("%s, cut: %v", format, err)
		}
		bad := bytes.Clone(data)
		bad[len(bad)/2] ^= 0xff
		if _, err := read(bytes.NewReader(bad)); err == nil || !strings.HasPrefix(err.Error(), format+": ") {
			t.Errorf("%s, damaged: %v", format, err)
		}
	}
	broken := errors.New("broken")
	if _, err := read(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

// TestWindowsAreBounded has headers that ask for gigabytes.
func TestWindowsAreBounded(t *testing.T) {
	large := bytes.Clone(packed(t, "xz", []byte(text)))
	i := bytes.Index(large, []byte{0x21, 1})
	large[i+2] = 38 // 2 GiB
	if _, err := read(bytes.NewReader(large)); err == nil || !strings.Contains(err.Error(), "needs a window of 2147483648 bytes") {
		t.Errorf("xz: %v", err)
	}
	frame := []byte{0x28, 0xb5, 0x2f, 0xfd, 0, 21 << 3, 1, 0, 0} // a window of 2^31
	if _, err := read(bytes.NewReader(frame)); err == nil {
		t.Error("zstd: a window of 2 GiB is taken")
	}
}

func FuzzReader(f *testing.F) {
	for _, format := range []string{"gzip", "zstd", "xz", "none"} {
		f.Add(packed(f, format, []byte(text)))
	}
	f.Fuzz(func(_ *testing.T, data []byte) {
		if u, err := unpack.Reader(bytes.NewReader(data)); err == nil {
			_, _ = io.CopyN(io.Discard, u, 1<<20)
			_ = u.Close()
		}
	})
}
