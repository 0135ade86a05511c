// SPDX-License-Identifier: Apache-2.0

package image

import (
	"archive/tar"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Difference is one attribute of one path in which two images differ.
type Difference struct {
	// Path is a path of the image, or "config" or "history".
	Path string
	// Attribute is what differs: "mode", "exists".
	Attribute string
	// A and B are what the two have.
	A, B string
}

// Compare lists all differences, sorted by path.
func Compare(a, b Built) []Difference {
	list := compareConfig(a.Image, b.Image)
	aNames, bNames := a.names(), b.names()
	for _, name := range union(a.Files, b.Files) {
		x, y := a.Files[name], b.Files[name]
		if x == nil || y == nil {
			list = append(list, Difference{name, "exists", kindOf(x), kindOf(y)})
			continue
		}
		found := attributes(x, y)
		if aNames[name] != bNames[name] {
			found = append(found, Difference{"", "names", aNames[name], bNames[name]})
		}
		if !sameTime(a, b, x.ModTime, y.ModTime) {
			found = append(found, Difference{"", "mtime", timeText(a, x.ModTime), timeText(b, y.ModTime)})
		}
		for _, d := range found {
			d.Path = name
			list = append(list, d)
		}
	}
	return list
}

func compareConfig(a, b *Image) []Difference {
	var list []Difference
	for _, key := range union(a.Config, b.Config) {
		if x, y := jsonText(a.Config[key]), jsonText(b.Config[key]); x != y {
			list = append(list, Difference{"config", key, x, y})
		}
	}
	if x, y := strings.Join(a.History, "\n"), strings.Join(b.History, "\n"); x != y {
		list = append(list, Difference{"history", "entries", x, y})
	}
	return list
}

// union returns the keys of both maps, sorted.
func union[V any](a, b map[string]V) []string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}

func jsonText(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// attributes compares what a file is by itself.
func attributes(a, b *File) []Difference {
	var list []Difference
	check := func(attribute string, x, y any) {
		if s, t := fmt.Sprint(x), fmt.Sprint(y); s != t {
			list = append(list, Difference{"", attribute, s, t})
		}
	}
	check("type", kindOf(a), kindOf(b))
	check("owner", fmt.Sprint(a.Uid, ":", a.Gid), fmt.Sprint(b.Uid, ":", b.Gid))
	if a.Typeflag != tar.TypeSymlink { // a link's mode means nothing
		check("mode", fmt.Sprintf("%04o", a.Mode&0o7777), fmt.Sprintf("%04o", b.Mode&0o7777))
	}
	check("target", a.Linkname, b.Linkname)
	check("xattrs", quoted(a.Xattrs), quoted(b.Xattrs))
	check("size", a.Size, b.Size)
	check("content", a.Digest+" "+a.Content, b.Digest+" "+b.Content)
	check("device", fmt.Sprint(a.Devmajor, ",", a.Devminor), fmt.Sprint(b.Devmajor, ",", b.Devminor))
	return list
}

// quoted writes a map in one line.
func quoted(m map[string]string) string {
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, fmt.Sprintf("%s=%q", key, m[key]))
	}
	return strings.Join(parts, " ")
}

var kinds = map[byte]string{
	tar.TypeReg: "file", tar.TypeDir: "dir", tar.TypeSymlink: "symlink", tar.TypeFifo: "fifo", tar.TypeChar: "char", tar.TypeBlock: "block",
}

func kindOf(n *File) string {
	if n == nil {
		return "absent"
	}
	return kinds[n.Typeflag]
}

// sameTime applies the policy for times: equal to the second, or both of their
// own build.
func sameTime(a, b Built, x, y time.Time) bool {
	return x.Unix() == y.Unix() || a.during(x) && b.during(y)
}

// during says whether a time lies within the build, by the clock of files,
// which may be behind.
func (b Built) during(t time.Time) bool {
	return !t.Before(b.Began.Add(-time.Second)) && !t.After(b.Ended.Add(time.Second))
}

func timeText(b Built, t time.Time) string {
	if b.during(t) {
		return "now"
	}
	return t.UTC().Format(time.RFC3339)
}
