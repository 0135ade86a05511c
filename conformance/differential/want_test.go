// SPDX-License-Identifier: Apache-2.0

package differential_test

import (
	"archive/tar"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// made is the time that backends give folders and here-documents, which have
// none of their own.
var made = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// describeImage writes what an image has that its base has not, as vectors/README.md
// says.
func describeImage(base *image, b built) string {
	var out strings.Builder
	names := b.names()
	if b.inherits(base) {
		for _, name := range union(base.files, b.files) {
			n, old := b.files[name], base.files[name]
			switch {
			case n == nil:
				fmt.Fprintf(&out, "gone %s\n", word(name))
			case old == nil || len(attributes(old, n)) > 0 || base.names()[name] != names[name]:
				out.WriteString(n.line(name, names[name], b))
			}
		}
	} else {
		out.WriteString("scratch\n")
		for _, name := range slices.Sorted(maps.Keys(b.files)) {
			out.WriteString(b.files[name].line(name, names[name], b))
		}
	}
	out.WriteString(wantConfig(base, b.image))
	return out.String()
}

// inherits says whether an image stands on the base.
func (i *image) inherits(base *image) bool {
	return i.files["bin/busybox"] == base.files["bin/busybox"]
}

// line is how @want writes a file.
func (n *node) line(name, names string, b built) string {
	parts := []string{kindOf(n), fmt.Sprintf("%o", n.Mode&0o7777), fmt.Sprintf("%d:%d", n.Uid, n.Gid), word(name)}
	switch n.Typeflag {
	case tar.TypeSymlink:
		parts[1] = "777"
		parts = append(parts, word(n.Linkname))
	case tar.TypeChar, tar.TypeBlock:
		parts = append(parts, fmt.Sprintf("%d,%d", n.Devmajor, n.Devminor))
	case tar.TypeReg:
		text := word(n.content)
		if n.Size > small {
			text = fmt.Sprintf("sha256:%s,%d", n.digest, n.Size)
		}
		parts = append(parts, text)
	}
	for _, key := range slices.Sorted(maps.Keys(n.xattrs)) {
		parts = append(parts, word(key+"="+n.xattrs[key]))
	}
	if names != "" {
		parts = append(parts, word("links="+names))
	}
	if !b.during(n.ModTime) && n.ModTime.Unix() != made.Unix() {
		parts = append(parts, "time="+strconv.FormatInt(n.ModTime.Unix(), 10))
	}
	return strings.Join(parts, " ") + "\n"
}

// word writes a word, in quotes where it needs them.
func word(s string) string {
	if quoted := strconv.Quote(s); s == "" || strings.Contains(s, " ") || quoted != `"`+s+`"` {
		return quoted
	}
	return s
}

// wantConfig writes the configuration where it is not that of the base.
func wantConfig(base, i *image) string {
	var out strings.Builder
	was, _ := base.config["config"].(map[string]any)
	is, _ := i.config["config"].(map[string]any)
	for _, key := range union(was, is) {
		if !reflect.DeepEqual(was[key], is[key]) {
			fmt.Fprintf(&out, "config %s %s\n", key, jsonText(is[key]))
		}
	}
	for _, key := range union(base.config, i.config) {
		if key != "config" && !reflect.DeepEqual(base.config[key], i.config[key]) {
			fmt.Fprintf(&out, "image %s %s\n", key, jsonText(i.config[key]))
		}
	}
	return out.String()
}

// lineDiff lists the lines that only one of two texts has. A line that is
// wanted without a time is found with any.
func lineDiff(want, got string) string {
	wanted, left := map[string]bool{}, map[string]bool{}
	for line := range strings.Lines(want) {
		wanted[line], left[line] = true, true
	}
	var out strings.Builder
	for line := range strings.Lines(got) {
		if short := timeless.ReplaceAllString(line, ""); wanted[short] {
			line = short
		}
		if !wanted[line] {
			fmt.Fprintf(&out, "\t got %s\n", strings.TrimSpace(line))
		}
		delete(left, line)
	}
	for _, line := range slices.Sorted(maps.Keys(left)) {
		fmt.Fprintf(&out, "\twant %s\n", strings.TrimSpace(line))
	}
	return out.String()
}

// timeless matches what a line says of its time.
var timeless = regexp.MustCompile(` time=\d+\b`)
