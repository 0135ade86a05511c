// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bytes"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zlayer/zlayer/conformance/vectors"
)

// imageOf merges layers, each a list as vectors/README.md has them.
func imageOf(t *testing.T, lists ...string) (*Image, error) {
	t.Helper()
	i := &Image{Files: map[string]*File{}, Config: map[string]any{"config": map[string]any{}}}
	for _, list := range lists {
		data, err := vectors.Tar(list)
		if err != nil {
			t.Fatal(err)
		}
		entries, err := readTar(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		if err := i.apply(entries); err != nil {
			return nil, err
		}
	}
	return i, nil
}

func mustImage(t *testing.T, lists ...string) Built {
	t.Helper()
	i, err := imageOf(t, lists...)
	if err != nil {
		t.Fatal(err)
	}
	return Built{i, time.Unix(100, 0), time.Unix(200, 0)}
}

func TestMerge(t *testing.T) {
	lower := "dir 755 0:0 d\nfile 644 0:0 d/a a\nfile 644 0:0 d/b b\ndir 755 0:0 o\nfile 644 0:0 o/x x\nfile 644 0:0 f f\nhardlink 644 0:0 g f"
	for name, c := range map[string]struct{ upper, want string }{
		"whiteout":              {`file 0 0:0 d/.wh.a ""`, "d d/b f g o o/x"},
		"whiteout of a folder":  {`file 0 0:0 .wh.d ""`, "f g o o/x"},
		"opaque":                {"dir 700 0:0 o\n" + `file 0 0:0 o/.wh..wh..opq ""` + "\nfile 644 0:0 o/y y", "d d/a d/b f g o o/y"},
		"removed and made":      {`file 0 0:0 .wh.d ""` + "\ndir 755 0:0 d\nfile 644 0:0 d/c c", "d d/c f g o o/x"},
		"folder kept":           {"dir 700 0:0 d", "d d/a d/b f g o o/x"},
		"file over folder":      {"file 644 0:0 d x", "d f g o o/x"},
		"link to a lower layer": {"hardlink 644 0:0 h f", "d d/a d/b f g h o o/x"},
	} {
		got := strings.Join(union(mustImage(t, lower, c.upper).Files, nil), " ")
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	for name, upper := range map[string]string{
		"whiteout of nothing": `file 0 0:0 .wh.no ""`,
		"link to nothing":     "hardlink 644 0:0 h no",
		"below a file":        "file 644 0:0 f/x x",
		"below nothing":       "file 644 0:0 no/x x",
		"twice":               "file 644 0:0 x x\nfile 644 0:0 x y",
	} {
		if _, err := imageOf(t, lower, upper); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestCompare(t *testing.T) {
	for name, c := range map[string]struct{ a, b, want string }{
		"same":     {"file 644 0:0 f x k=v", "file 644 0:0 f x k=v", ""},
		"missing":  {"file 644 0:0 f x", "dir 755 0:0 d", "d exists, f exists"},
		"type":     {"dir 755 0:0 f", "fifo 755 0:0 f", "f type"},
		"owner":    {"file 644 0:1 f x", "file 644 1:0 f x", "f owner"},
		"mode":     {"file 644 0:0 f x", "file 4644 0:0 f x", "f mode"},
		"content":  {"file 644 0:0 f x", "file 644 0:0 f y", "f content"},
		"size":     {"file 644 0:0 f x", "file 644 0:0 f xy", "f size, f content"},
		"xattrs":   {"file 644 0:0 f x k=v", "file 644 0:0 f x k=w", "f xattrs"},
		"target":   {"symlink 777 0:0 f x", "symlink 755 0:0 f y", "f target"},
		"device":   {"char 644 0:0 f 1,3", "char 644 0:0 f 1,5", "f device"},
		"names":    {"file 644 0:0 f x\nhardlink 644 0:0 g f", "file 644 0:0 f x\nfile 644 0:0 g x", "f names, g names"},
		"no names": {"file 644 0:0 f x\nhardlink 644 0:0 g f", "file 644 0:0 g x\nhardlink 644 0:0 f g", ""},
	} {
		var got []string
		for _, d := range Compare(mustImage(t, c.a), mustImage(t, c.b)) {
			got = append(got, d.Path+" "+d.Attribute)
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
}

func TestSameTime(t *testing.T) {
	a, b := Built{nil, time.Unix(100, 0), time.Unix(200, 0)}, Built{nil, time.Unix(300, 0), time.Unix(400, 0)}
	for _, c := range []struct {
		x, y int64
		want bool
	}{{5, 5, true}, {5, 6, false}, {150, 350, true}, {150, 150, true}, {150, 160, false}, {99, 400, true}, {350, 150, false}} {
		if got := sameTime(a, b, time.Unix(c.x, 0), time.Unix(c.y, 999)); got != c.want {
			t.Errorf("%d and %d: %v", c.x, c.y, got)
		}
	}
}

func TestCompareConfig(t *testing.T) {
	a := &Image{Config: map[string]any{"config": map[string]any{"User": "a"}, "os": "linux"}, History: []string{"RUN x"}}
	b := &Image{Config: map[string]any{"config": map[string]any{"User": "b"}, "os": "linux"}, History: []string{"empty: RUN x"}}
	want := []Difference{
		{"config", "config", `{"User":"a"}`, `{"User":"b"}`},
		{"history", "entries", "RUN x", "empty: RUN x"},
	}
	if diff := cmp.Diff(want, compareConfig(a, b)); diff != "" {
		t.Error(diff)
	}
}

func TestWant(t *testing.T) {
	base := mustImage(t, "dir 755 0:0 bin\nfile 755 0:0 bin/busybox b\nfile 644 0:0 f f\nfile 644 0:0 g g")
	upper := "file 600 0:0 f f\nfile 0 0:0 .wh.g \"\"\nsymlink 755 1:2 l \"a b\"\nfile 644 0:0 big " + strings.Repeat("x", 600)
	data, err := vectors.Tar(upper)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := readTar(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	top := Built{&Image{Files: maps.Clone(base.Files), Config: map[string]any{"config": map[string]any{"User": "u"}}}, base.Began, base.Ended}
	if err := top.apply(entries); err != nil {
		t.Fatal(err)
	}
	at := fmt.Sprintf("time=%d", vectors.When.Unix())
	want := "file 644 0:0 big sha256:" + entries[3].Digest + ",600 " + at + "\nfile 600 0:0 f f " + at + "\ngone g\nsymlink 777 1:2 l \"a b\" " + at + "\nconfig User \"u\"\n"
	got := top.Describe(base.Image)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if missing, more := Diff(strings.ReplaceAll(want, " "+at, ""), got); missing+more != "" {
		t.Errorf("without times: missing %s, more %s", missing, more)
	}
	if missing, more := Diff(strings.Replace(want, "600", "644", 1), got); strings.Count(missing, "\n") != 1 || strings.Count(more, "\n") != 1 {
		t.Errorf("one line otherwise: missing %s, more %s", missing, more)
	}
}
