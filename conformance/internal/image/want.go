// SPDX-License-Identifier: Apache-2.0

package image

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

// Describe writes what an image has that its base has not, as @want of a vector
// has it.
func (b Built) Describe(base *Image) string {
	var out strings.Builder
	names := b.names()
	if b.standsOn(base) {
		was := base.names()
		for _, name := range union(base.Files, b.Files) {
			f, old := b.Files[name], base.Files[name]
			switch {
			case f == nil:
				fmt.Fprintf(&out, "gone %s\n", Word(name))
			case old == nil || len(attributes(old, f)) > 0 || was[name] != names[name]:
				out.WriteString(b.line(name, names[name]))
			}
		}
	} else {
		out.WriteString("scratch\n")
		for _, name := range slices.Sorted(maps.Keys(b.Files)) {
			out.WriteString(b.line(name, names[name]))
		}
	}
	out.WriteString(describeConfig(base, b.Image))
	return out.String()
}

// standsOn says whether an image has the layers of a base at its bottom.
func (i *Image) standsOn(base *Image) bool {
	return len(i.Layers) >= len(base.Layers) && slices.Equal(i.Layers[:len(base.Layers)], base.Layers)
}

// line is how @want writes a file.
func (b Built) line(name, names string) string {
	f := b.Files[name]
	parts := []string{kindOf(f), fmt.Sprintf("%o", f.Mode&0o7777), fmt.Sprintf("%d:%d", f.Uid, f.Gid), Word(name)}
	switch f.Typeflag {
	case tar.TypeSymlink:
		parts[1] = "777"
		parts = append(parts, Word(f.Linkname))
	case tar.TypeChar, tar.TypeBlock:
		parts = append(parts, fmt.Sprintf("%d,%d", f.Devmajor, f.Devminor))
	case tar.TypeReg:
		text := Word(f.Content)
		if f.Size > small {
			text = fmt.Sprintf("sha256:%s,%d", f.Digest, f.Size)
		}
		parts = append(parts, text)
	}
	for _, key := range slices.Sorted(maps.Keys(f.Xattrs)) {
		parts = append(parts, Word(key+"="+f.Xattrs[key]))
	}
	if names != "" {
		parts = append(parts, Word("links="+names))
	}
	if !b.during(f.ModTime) && f.ModTime.Unix() != made.Unix() {
		parts = append(parts, "time="+strconv.FormatInt(f.ModTime.Unix(), 10))
	}
	return strings.Join(parts, " ") + "\n"
}

// Word writes a word, in quotes where it needs them.
func Word(s string) string {
	if quoted := strconv.Quote(s); s == "" || strings.Contains(s, " ") || quoted != `"`+s+`"` {
		return quoted
	}
	return s
}

// describeConfig writes the configuration where it is not that of the base.
func describeConfig(base, i *Image) string {
	var out strings.Builder
	was, _ := base.Config["config"].(map[string]any)
	is, _ := i.Config["config"].(map[string]any)
	for _, key := range union(was, is) {
		if !reflect.DeepEqual(was[key], is[key]) {
			fmt.Fprintf(&out, "config %s %s\n", key, jsonText(is[key]))
		}
	}
	for _, key := range union(base.Config, i.Config) {
		if key != "config" && !reflect.DeepEqual(base.Config[key], i.Config[key]) {
			fmt.Fprintf(&out, "image %s %s\n", key, jsonText(i.Config[key]))
		}
	}
	return out.String()
}

// Diff returns the lines that only one of two descriptions has. A line that is
// wanted without a time is found with any.
func Diff(want, got string) (missing, more string) {
	left := map[string]bool{}
	for line := range strings.Lines(want) {
		left[line] = true
	}
	wanted := maps.Clone(left)
	for line := range strings.Lines(got) {
		if short := timeless.ReplaceAllString(line, ""); wanted[short] {
			line = short
		}
		if !wanted[line] {
			more += line
		}
		delete(left, line)
	}
	return strings.Join(slices.Sorted(maps.Keys(left)), ""), more
}

// timeless matches what a line says of its time.
var timeless = regexp.MustCompile(` time=\d+\b`)
