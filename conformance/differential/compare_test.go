// SPDX-License-Identifier: Apache-2.0

package differential_test

import (
	"archive/tar"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// difference is one attribute of one path in which two images differ. Of the
// configuration the path is "config" or "history".
type difference struct {
	path, attribute string
	a, b            string
}

// built is an image and when it was built.
type built struct {
	*image
	began, ended time.Time
}

// compare lists all differences, sorted by path.
func compare(a, b built) []difference {
	list := compareConfig(a.image, b.image)
	aNames, bNames := a.names(), b.names()
	for _, name := range union(a.files, b.files) {
		x, y := a.files[name], b.files[name]
		if x == nil || y == nil {
			list = append(list, difference{name, "exists", kindOf(x), kindOf(y)})
			continue
		}
		found := attributes(x, y)
		if aNames[name] != bNames[name] {
			found = append(found, difference{"", "names", aNames[name], bNames[name]})
		}
		if !sameTime(a, b, x.ModTime, y.ModTime) {
			found = append(found, difference{"", "mtime", timeText(a, x.ModTime), timeText(b, y.ModTime)})
		}
		for _, d := range found {
			d.path = name
			list = append(list, d)
		}
	}
	return list
}

func compareConfig(a, b *image) []difference {
	var list []difference
	for _, key := range union(a.config, b.config) {
		if x, y := jsonText(a.config[key]), jsonText(b.config[key]); x != y {
			list = append(list, difference{"config", key, x, y})
		}
	}
	if x, y := strings.Join(a.history, "\n"), strings.Join(b.history, "\n"); x != y {
		list = append(list, difference{"history", "entries", x, y})
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
func attributes(a, b *node) []difference {
	var list []difference
	check := func(attribute string, x, y any) {
		if s, t := fmt.Sprint(x), fmt.Sprint(y); s != t {
			list = append(list, difference{"", attribute, s, t})
		}
	}
	check("type", kindOf(a), kindOf(b))
	check("owner", fmt.Sprint(a.Uid, ":", a.Gid), fmt.Sprint(b.Uid, ":", b.Gid))
	if a.Typeflag != tar.TypeSymlink { // a link's mode means nothing
		check("mode", fmt.Sprintf("%04o", a.Mode&0o7777), fmt.Sprintf("%04o", b.Mode&0o7777))
	}
	check("target", a.Linkname, b.Linkname)
	check("xattrs", quoted(a.xattrs), quoted(b.xattrs))
	check("size", a.Size, b.Size)
	check("content", a.digest+" "+a.content, b.digest+" "+b.content)
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

func kindOf(n *node) string {
	if n == nil {
		return "absent"
	}
	return kinds[n.Typeflag]
}

// sameTime applies the policy for times: equal to the second, or both of their
// own build.
func sameTime(a, b built, x, y time.Time) bool {
	return x.Unix() == y.Unix() || a.during(x) && b.during(y)
}

// during says whether a time lies within the build, by the clock of files,
// which may be behind.
func (b built) during(t time.Time) bool {
	return !t.Before(b.began.Add(-time.Second)) && !t.After(b.ended.Add(time.Second))
}

func timeText(b built, t time.Time) string {
	if b.during(t) {
		return "now"
	}
	return t.UTC().Format(time.RFC3339)
}
