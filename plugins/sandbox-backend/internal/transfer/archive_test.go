// SPDX-License-Identifier: Apache-2.0

package transfer_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/transfer"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// member is a member of an archive; files have the content "z" or the given.
func member(kind byte, name, link string) tar.Header {
	return tar.Header{Typeflag: kind, Name: name, Linkname: link, Mode: 0o644, ModTime: then}
}

// tarOf packs an archive. A regular file holds "z".
func tarOf(t testing.TB, members ...tar.Header) string {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, h := range members {
		if h.Typeflag == tar.TypeReg {
			h.Size = 1
		}
		must(t, w.WriteHeader(&h))
		if h.Size == 1 {
			_, err := io.WriteString(w, "z")
			must(t, err)
		}
	}
	must(t, w.Close())
	return out.String()
}

// odd is an archive with all that may be in one.
func odd(t testing.TB) string {
	return tarOf(t,
		tar.Header{Typeflag: tar.TypeDir, Name: "./", Mode: 0o700},
		tar.Header{Typeflag: tar.TypeDir, Name: "./in/", Mode: 0o750, Uid: 3, Gid: 4},
		tar.Header{Typeflag: tar.TypeReg, Name: "./z", Mode: 0o4640, Uid: 5, PAXRecords: map[string]string{
			"SCHILY.xattr.security.capability": "\x01\x00", "SCHILY.xattr.trusted.overlay.opaque": "y", "SCHILY.xattr.user.mine": "1"}},
		member(tar.TypeLink, "./a", "./z"),
		member(tar.TypeReg, "../../up", ""),
		member(tar.TypeReg, "/abs/new", ""),
		member(tar.TypeSymlink, "l", "../../.."),
		member(tar.TypeReg, "l/below", ""),
		member(tar.TypeSymlink, "e", "/etc"),
		member(tar.TypeReg, "e/passwd", ""),
		member(tar.TypeDir, "etc", ""),
		member(tar.TypeReg, "e/shadow", ""),
		tar.Header{Typeflag: tar.TypeChar, Name: "null", Mode: 0o666, Devmajor: 1, Devminor: 3},
		member(tar.TypeFifo, "pipe", ""),
	)
}

func TestAddArchive(t *testing.T) {
	from := context(t, folder(t, map[string]string{"x.tar": odd(t), "link": "-> x.tar"}))
	want := []string{
		"d 755 0:0 n",
		`f 4640 5:0 n/a "z"`,
		"d 755 0:0 n/abs", `f 644 0:0 n/abs/new "z"`,
		`f 644 0:0 n/below "z"`,                                                 // its parent leads out, to the destination's root
		"d 755 0:0 n/e", `f 644 0:0 n/e/passwd "z"`, `f 644 0:0 n/e/shadow "z"`, // the link led nowhere then
		"d 644 0:0 n/etc",
		"d 750 3:4 n/in",
		"l 644 0:0 n/l -> ../../..",
		"c 666 0:0 n/null", "p 644 0:0 n/pipe",
		`f 644 0:0 n/up "z"`,
		"h n/z -> n/a",
	}
	for _, source := range []string{"x.tar", "link"} {
		for _, dest := range []string{"/n", "/n/"} {
			entries, err := plan(t, transfer.Job{Step: &irv1.Transfer{Add: true, Sources: []string{source}, Destination: dest}, From: from, Onto: debian(t)})
			must(t, err)
			wantLines(t, entries, want...)
		}
	}
}

func TestAddArchiveFlags(t *testing.T) {
	archive := tarOf(t, member(tar.TypeDir, "d", ""), member(tar.TypeReg, "d/x", ""), member(tar.TypeReg, "d/y", ""), member(tar.TypeLink, "w", "d/y"), member(tar.TypeSymlink, "s", "w"))
	from := context(t, folder(t, map[string]string{"x.tar": archive}))
	step := &irv1.Transfer{Add: true, Sources: []string{"x.tar"}, Destination: "/n", Chown: "web", Chmod: "u=rwX,go=", Exclude: []string{"d/y"}}
	entries, err := plan(t, transfer.Job{Step: step, From: from, Onto: debian(t)})
	must(t, err)
	wantLines(t, entries, "d 755 33:34 n", "d 700 33:34 n/d", `f 600 33:34 n/d/x "z"`, "l 644 33:34 n/s -> w", `f 600 33:34 n/w "z"`)
	for _, e := range entries[1:] {
		if !e.Node.ModTime.Equal(then.Truncate(time.Second)) {
			t.Errorf("%s has time %v", e.Name, e.Node.ModTime)
		}
	}
}

func TestAddArchiveAttributes(t *testing.T) {
	from := context(t, folder(t, map[string]string{"x.tar": odd(t)}))
	entries, err := plan(t, transfer.Job{Step: &irv1.Transfer{Add: true, Sources: []string{"x.tar"}, Destination: "/"}, From: from, Onto: image(t)})
	must(t, err)
	for _, e := range entries {
		if e.Name == "a" && (len(e.Node.Xattrs) != 2 || e.Node.Xattrs["security.capability"] != "\x01\x00" || e.Node.Xattrs["user.mine"] != "1") {
			t.Errorf("attributes are %q", e.Node.Xattrs)
		}
		if e.Name == "null" && (e.Node.Major != 1 || e.Node.Minor != 3) {
			t.Errorf("device is %d:%d", e.Node.Major, e.Node.Minor)
		}
	}
}

func TestAddCompressed(t *testing.T) {
	plain := tarOf(t, member(tar.TypeReg, "f", ""))
	pack := func(w io.WriteCloser, err error) {
		t.Helper()
		must(t, err)
		_, err = io.WriteString(w, plain)
		must(t, errors.Join(err, w.Close()))
	}
	var gz, zst, x bytes.Buffer
	pack(gzip.NewWriter(&gz), nil)
	zw, err := zstd.NewWriter(&zst)
	pack(zw, err)
	xw, err := xz.NewWriter(&x)
	pack(xw, err)
	from := context(t, folder(t, map[string]string{
		"x.tar": plain, "x.tgz": gz.String(), "x.zst": zst.String(), "x.xz": x.String(), "text": "no archive", "empty": "",
		"badly": gz.String()[:20],
	}))
	add := func(source string, unpack irv1.Unpack) *irv1.Transfer {
		return &irv1.Transfer{Add: true, Sources: []string{source}, Destination: "/n/", Unpack: unpack}
	}
	const (
		byDefault = irv1.Unpack_UNPACK_UNSPECIFIED
		always    = irv1.Unpack_UNPACK_ALWAYS
		never     = irv1.Unpack_UNPACK_NEVER
	)
	for name, c := range map[string]struct {
		step *irv1.Transfer
		file string
	}{
		"plain":   {add("x.tar", byDefault), "n/f"},
		"gzip":    {add("x.tgz", byDefault), "n/f"},
		"zstd":    {add("x.zst", byDefault), "n/f"},
		"xz":      {add("x.xz", byDefault), "n/f"},
		"always":  {add("x.tgz", always), "n/f"},
		"never":   {add("x.tgz", never), "n/x.tgz"},
		"text":    {add("text", byDefault), "n/text"},
		"empty":   {add("empty", byDefault), "n/empty"},
		"damaged": {add("badly", byDefault), "n/badly"},
		"copy":    {&irv1.Transfer{Sources: []string{"x.tar"}, Destination: "/n/"}, "n/x.tar"},
	} {
		t.Run(name, func(t *testing.T) {
			entries, err := plan(t, transfer.Job{Step: c.step, From: from, Onto: image(t)})
			must(t, err)
			if len(entries) != 2 || entries[1].Name != c.file {
				t.Errorf("entries are %v", lines(t, entries))
			}
		})
	}
}

func TestAddDamagedArchive(t *testing.T) {
	whole := tarOf(t, member(tar.TypeReg, "f", ""), member(tar.TypeReg, "g", ""))
	from := context(t, folder(t, map[string]string{
		"cut":     whole[:1100],
		"link":    tarOf(t, member(tar.TypeReg, "f", ""), member(tar.TypeLink, "g", "h")),
		"to dir":  tarOf(t, member(tar.TypeDir, "d", ""), member(tar.TypeLink, "g", "d")),
		"owner":   tarOf(t, tar.Header{Typeflag: tar.TypeReg, Name: "f", Uid: 1 << 32}),
		"nowhere": tarOf(t, member(tar.TypeReg, "f", ""), member(tar.TypeSymlink, "s", "")),
		"name":    tarOf(t, member(tar.TypeReg, strings.Repeat("n", 300), "")),
		"removal": tarOf(t, member(tar.TypeReg, "d/.wh.gone", "")),
		"below":   tarOf(t, member(tar.TypeReg, ".wh..wh..opq/x", "")),
		"folder":  tarOf(t, member(tar.TypeReg, "etc", "")),
	}))
	const (
		help     = "make it anew, or copy it as it is with COPY"
		nameHelp = "give it another name, or leave it out with --exclude or the ignore file"
	)
	for source, want := range map[string][2]string{
		"cut":     {`the archive "cut" is damaged: unexpected EOF`, help},
		"link":    {`the archive "link" is damaged: "g" is a hard link to "h", and no such file comes before it`, help},
		"to dir":  {`the archive "to dir" is damaged: "g" is a hard link to "d", and no such file comes before it`, help},
		"owner":   {`the archive "owner" is damaged: member "f": 4294967296 is no owner and no device`, help},
		"nowhere": {`"/s" cannot be in an image: the symbolic link leads nowhere`, nameHelp},
		"name":    {`"/` + strings.Repeat("n", 300) + `" cannot be in an image: a part of the name is longer than 255 bytes`, nameHelp},
		"removal": {`"/d/.wh.gone" cannot be in an image: names that begin with ".wh." mean that a file is removed`, nameHelp},
		"below":   {`"/.wh..wh..opq/x" cannot be in an image: names that begin with ".wh." mean that a file is removed`, nameHelp},
		"folder":  {`"/etc" is a folder in the image, and something else cannot replace it`, "copy to another place, or remove the folder first"},
	} {
		_, err := plan(t, transfer.Job{Step: &irv1.Transfer{Add: true, Sources: []string{source}, Destination: "/"}, From: from, Onto: debian(t)})
		wantProblem(t, err, want[0], want[1])
	}
}

// TestAddArchiveOntoLinks unpacks over the links of an image and over its own.
func TestAddArchiveOntoLinks(t *testing.T) {
	onto := debian(t, "d 711 0:0 usr", "d 755 0:0 usr/lib", "l 777 0:0 lib -> usr/lib")
	archive := tarOf(t,
		member(tar.TypeDir, "lib/", ""), member(tar.TypeReg, "lib/so", ""), member(tar.TypeReg, "lib/sub/so", ""),
		member(tar.TypeDir, "own/", ""), member(tar.TypeSymlink, "to", "own"), member(tar.TypeReg, "to/f", ""),
		member(tar.TypeReg, "twice", ""), member(tar.TypeLink, "kept", "twice"), member(tar.TypeSymlink, "twice", "own"), member(tar.TypeReg, "twice/g", ""),
	)
	from := context(t, folder(t, map[string]string{"x.tar": archive}))
	entries, err := plan(t, transfer.Job{Step: &irv1.Transfer{Add: true, Sources: []string{"x.tar"}, Destination: "/"}, From: from, Onto: onto})
	must(t, err)
	wantLines(t, entries,
		`f 644 0:0 kept "z"`, "d 644 0:0 own", `f 644 0:0 own/f "z"`, `f 644 0:0 own/g "z"`, "l 644 0:0 to -> own", "l 644 0:0 twice -> own",
		"d 711 0:0 usr", "d 755 0:0 usr/lib", `f 644 0:0 usr/lib/so "z"`, "d 755 0:0 usr/lib/sub", `f 644 0:0 usr/lib/sub/so "z"`)
}
