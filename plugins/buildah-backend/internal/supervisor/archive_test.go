// SPDX-License-Identifier: Apache-2.0

//go:build system

package supervisor_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"testing"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

func tarOf(t testing.TB, packed bool) string {
	var plain, gz bytes.Buffer
	w := tar.NewWriter(&plain)
	for _, h := range []tar.Header{
		{Typeflag: tar.TypeDir, Name: "./", Mode: 0o700},
		{Typeflag: tar.TypeDir, Name: "./in/", Mode: 0o750, Uid: 3, Gid: 4},
		{Typeflag: tar.TypeReg, Name: "./z", Mode: 0o640, Uid: 5, Size: 1},
		{Typeflag: tar.TypeLink, Name: "./a", Linkname: "./z"},
		{Typeflag: tar.TypeReg, Name: "../../up", Mode: 0o644, Size: 1},
		{Typeflag: tar.TypeSymlink, Name: "l", Linkname: "../../..", Mode: 0o777},
	} {
		must(t, w.WriteHeader(&h))
		if h.Size == 1 {
			_, err := w.Write([]byte("z"))
			must(t, err)
		}
	}
	must(t, w.Close())
	if !packed {
		return plain.String()
	}
	z := gzip.NewWriter(&gz)
	_, err := z.Write(plain.Bytes())
	must(t, errors.Join(err, z.Close()))
	return gz.String()
}

func TestAddArchives(t *testing.T) {
	unpacked := []string{
		`0 0640 5:0 n/a "z"`, "5 0750 3:4 n/in", "2 0777 0:0 n/l -> ../../..", `0 0644 0:0 n/up "z"`, "1 0640 5:0 n/z -> n/a",
	}
	add := func(source string, unpack irv1.Unpack) *irv1.Transfer {
		return &irv1.Transfer{Add: true, Sources: []string{source}, Destination: "/n/", Unpack: unpack}
	}
	for name, c := range map[string]struct {
		step   *irv1.Transfer
		packed bool
	}{
		"tar":   {add("x.tar", irv1.Unpack_UNPACK_UNSPECIFIED), true},
		"gz":    {add("x.tgz", irv1.Unpack_UNPACK_UNSPECIFIED), true},
		"never": {add("x.tgz", irv1.Unpack_UNPACK_NEVER), false},
		"other": {add("text", irv1.Unpack_UNPACK_UNSPECIFIED), false},
		"copy":  {&irv1.Transfer{Sources: []string{"x.tar"}, Destination: "/n/"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			c.step.From = r.context(map[string]string{"x.tar": tarOf(t, false), "x.tgz": tarOf(t, true), "text": "no archive"})
			r.stage(scratch, transfer(c.step))
			_, files := r.mustBuild()
			delete(files, "n")
			if c.packed {
				files.want(t, unpacked...)
			} else if len(files) != 1 {
				t.Errorf("files are\n%s", files.list())
			}
		})
	}
}

// TestAddThroughLinks unpacks members that lie below links of the archive: they
// stay in the destination.
func TestAddThroughLinks(t *testing.T) {
	type member struct {
		kind       byte
		name, link string
	}
	dir, file, symlink, hard := byte(tar.TypeDir), byte(tar.TypeReg), byte(tar.TypeSymlink), byte(tar.TypeLink)
	for name, c := range map[string]struct {
		members []member
		want    []string
	}{
		"inside":   {[]member{{dir, "real/", ""}, {symlink, "l", "real"}, {file, "l/f", ""}}, []string{"2 0777 0:0 n/l -> real", "5 0755 0:0 n/real", `0 0755 0:0 n/real/f "z"`}},
		"implied":  {[]member{{file, "a/b/f", ""}, {symlink, "a/l", "b"}, {file, "a/l/g", ""}}, []string{"5 0755 0:0 n/a", "5 0755 0:0 n/a/b", `0 0755 0:0 n/a/b/f "z"`, `0 0755 0:0 n/a/b/g "z"`, "2 0777 0:0 n/a/l -> b"}},
		"outside":  {[]member{{symlink, "l", "../../etc"}, {file, "l/f", ""}}, []string{"5 0755 0:0 n/l", `0 0755 0:0 n/l/f "z"`}},
		"absolute": {[]member{{dir, "etc", ""}, {symlink, "l", "/etc"}, {file, "l/f", ""}}, []string{"5 0755 0:0 n/etc", `0 0755 0:0 n/etc/f "z"`, "2 0777 0:0 n/l -> /etc"}},
		"circle":   {[]member{{symlink, "l", "m"}, {symlink, "m", "l"}, {file, "l/f", ""}}, []string{"5 0755 0:0 n/l", `0 0755 0:0 n/l/f "z"`, "2 0777 0:0 n/m -> l"}},
		"folder":   {[]member{{dir, "real/", ""}, {symlink, "l", "real"}, {dir, "l", ""}}, []string{"2 0777 0:0 n/l -> real", "5 0755 0:0 n/real"}},
		"hard":     {[]member{{dir, "real/", ""}, {symlink, "l", "real"}, {file, "l/f", ""}, {hard, "g", "l/f"}}, []string{`0 0755 0:0 n/g "z"`, "2 0777 0:0 n/l -> real", "5 0755 0:0 n/real", "1 0755 0:0 n/real/f -> n/g"}},
		"top":      {[]member{{symlink, "l", "."}, {file, "l/f", ""}}, []string{`0 0755 0:0 n/f "z"`, "2 0777 0:0 n/l -> ."}},
	} {
		t.Run(name, func(t *testing.T) {
			var plain bytes.Buffer
			w := tar.NewWriter(&plain)
			for _, m := range c.members {
				h := tar.Header{Typeflag: m.kind, Name: m.name, Linkname: m.link, Mode: 0o755}
				if m.kind == symlink {
					h.Mode = 0o777
				}
				if m.kind == file {
					h.Size = 1
				}
				must(t, w.WriteHeader(&h))
				_, err := w.Write([]byte("z")[:h.Size])
				must(t, err)
			}
			must(t, w.Close())
			r := newRig(t)
			r.stage(scratch, transfer(&irv1.Transfer{Add: true, From: r.context(map[string]string{"x.tar": plain.String()}), Sources: []string{"x.tar"}, Destination: "/n/"}))
			_, files := r.mustBuild()
			delete(files, "n")
			files.want(t, c.want...)
		})
	}
}
