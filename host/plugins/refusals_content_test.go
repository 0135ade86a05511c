// SPDX-License-Identifier: Apache-2.0

package plugins

import (
	"archive/tar"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/zlayer/zlayer/sdk/manifest"
)

// ofContents are refusals of what a source has.
var ofContents = []refusal{
	{"another protocol, an older version fits", func(l *lab) error {
		return l.add(l.at()+":2.0.0", frontend("tool", "1.0.0"), frontend("tool", "2.0.0").with(otherMajor))
	}},
	{"another protocol only", func(l *lab) error { return l.add(l.at(), changed(otherMajor)) }},
	{"another protocol, in a mirror, an older version fits", func(l *lab) error {
		to := filepath.Join(l.dir, "mirror.tar")
		publish(l, to, "", frontend("tool", "1.0.0"), frontend("tool", "2.0.0").with(otherMajor))
		return try(l, manager(l, l.config), AddOptions{From: to}, "tool@2.0.0")
	}},
	{"no such version in a mirror", func(l *lab) error {
		to := filepath.Join(l.dir, "mirror.tar")
		publish(l, to, "", frontend("tool", "1.0.0"))
		return try(l, manager(l, l.config), AddOptions{From: to}, "tool@2.0.0")
	}},
	{"no such plugin in a mirror", func(l *lab) error {
		to := filepath.Join(l.dir, "mirror.tar")
		publish(l, to, "", frontend("tool", "1.0.0"))
		return try(l, manager(l, l.config), AddOptions{From: to}, "other")
	}},
	{"damaged mirror", func(l *lab) error {
		to := filepath.Join(l.dir, "mirror")
		publish(l, to, "", frontend("tool", "1.0.0"))
		blob := filepath.Join(to, "blobs", "sha256", strings.TrimPrefix(frontend("tool", "1.0.0").Files[0].Digest, "sha256:"))
		write(l, blob, "other")
		return l.add(to)
	}},
	{"bad manifest", func(l *lab) error {
		dir := frontend("tool", "1.0.0").folder(l)
		write(l, filepath.Join(dir, manifest.FileName), `{"schema": 1, "id": "tool", "hooks": []}`)
		return l.add(dir)
	}},
	{"newer manifest", func(l *lab) error {
		dir := frontend("tool", "1.0.0").folder(l)
		write(l, filepath.Join(dir, manifest.FileName), `{"schema": 2}`)
		return l.add(dir)
	}},
	{"no manifest", func(l *lab) error { return l.add(l.TempDir()) }},
	{"a container image", func(l *lab) error {
		image, err := random.Image(10, 1)
		ok(l, err)
		ok(l, remote.Write(must(name.NewTag(l.at()+":1.0.0")), image))
		return l.add(l.at())
	}},
	{"an archive of something else", func(l *lab) error {
		dir := l.TempDir()
		write(l, filepath.Join(dir, "README"), "hello")
		return l.archive(string(pack(l, dir)))
	}},
	{"no archive", func(l *lab) error { return l.archive("<html>Sorry</html>") }},
	{"no archive, from a URL", func(l *lab) error {
		return l.add(l.url("tool.tar.gz", strings.Repeat("<html>Sorry</html>", 100)))
	}},
	{"no wasm module", func(l *lab) error {
		p := frontend("tool", "1.0.0")
		p.Files = nil
		return l.add(l.at(), p.add("m.wasm", "", "no module"))
	}},
	{"an archive that leads out", func(l *lab) error { return l.archive(tarOf(l, tar.Header{Name: "../../evil", Size: 1})) }},
	{"an archive with a link", func(l *lab) error {
		return l.archive(tarOf(l, tar.Header{Name: "m.wasm", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}))
	}},
	{"an archive with one file twice", func(l *lab) error {
		return l.archive(tarOf(l, tar.Header{Name: "a", Size: 1}, tar.Header{Name: "./a", Size: 1}))
	}},
	{"an archive with a file below a file", func(l *lab) error {
		return l.archive(tarOf(l, tar.Header{Name: "a", Size: 1}, tar.Header{Name: "a/b", Size: 1}))
	}},
	{"an archive with too many files", func(l *lab) error {
		var entries []tar.Header
		for i := range 10_001 {
			entries = append(entries, tar.Header{Name: fmt.Sprintf("%d/", i%2), Typeflag: tar.TypeDir})
		}
		return l.archive(tarOf(l, entries...))
	}},
	{"an archive that is deep", func(l *lab) error {
		return l.archive(tarOf(l, tar.Header{Name: strings.Repeat("a/", 1000), Typeflag: tar.TypeDir}))
	}},
	{"an archive that is huge", func(l *lab) error {
		var b strings.Builder
		ok(l, tar.NewWriter(&b).WriteHeader(&tar.Header{Name: "a", Typeflag: tar.TypeReg, Size: 9 << 30}))
		return l.archive(b.String())
	}},
}

// archive says why an archive is not added.
func (l *lab) archive(content string) error {
	l.Helper()
	return l.add(write(l, filepath.Join(l.dir, "tool.tar.gz"), content))
}

// changed publishes version 1.0.0 of a frontend that was changed.
func changed(change func(*manifest.Manifest)) *plugin { return frontend("tool", "1.0.0").with(change) }

func otherMajor(m *manifest.Manifest) { m.Protocol.Major = 7 }
