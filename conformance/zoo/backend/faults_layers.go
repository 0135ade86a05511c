// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// layerFaults lose something of the files.
var layerFaults = map[string]fault{
	"layer-owners":      {layer: onEntry(func(e *entry) { e.Uid, e.Gid, e.Uname, e.Gname = 0, 0, "", "" })},
	"layer-set-id-bits": {layer: onEntry(func(e *entry) { e.Mode &= 0o777 })},
	"layer-umask":       {layer: onEntry(func(e *entry) { e.Mode &^= 0o022 })},
	"layer-executable":  {layer: onEntry(func(e *entry) { e.Mode |= (e.Mode & 0o444) >> 2 })},
	"layer-attributes":  {layer: onEntry(func(e *entry) { e.PAXRecords, e.Xattrs = nil, nil })},
	"layer-times":       {layer: onEntry(func(e *entry) { e.ModTime = e.ModTime.Add(-48 * time.Hour) })},
	"layer-large-files": {layer: onEntry(func(e *entry) { e.content = e.content[:min(len(e.content), 100_000)] })},
	"layer-line-ends": {layer: onEntry(func(e *entry) {
		if len(e.content) < 100_000 {
			e.content = []byte(strings.ReplaceAll(string(e.content), "\r\n", "\n"))
		}
	})},
	"layer-symlinks":  {layer: withoutEntry(func(e *entry) bool { return e.Typeflag == tar.TypeSymlink })},
	"layer-hardlinks": {layer: withoutEntry(func(e *entry) bool { return e.Typeflag == tar.TypeLink })},
	"layer-fifos":     {layer: withoutEntry(func(e *entry) bool { return e.Typeflag == tar.TypeFifo })},
	"layer-folders":   {layer: withoutEmptyFolders},
	"layer-deletions": {layer: withoutEntry(func(e *entry) bool { return strings.HasPrefix(path.Base(e.Name), ".wh.") })},
	"layer-odd-names": {layer: withoutEntry(func(e *entry) bool { return strconv.Quote(e.Name) != `"`+e.Name+`"` })},
	"layer-dot-files": {layer: withoutEntry(func(e *entry) bool {
		base := path.Base(e.Name)
		return strings.HasPrefix(base, ".") && !strings.HasPrefix(base, ".wh.") && base != "."
	})},
	"layer-extra-file": {layer: func(list []*entry) []*entry {
		return append(list, &entry{tar.Header{Typeflag: tar.TypeReg, Name: "zoo", Mode: 0o644, Format: tar.FormatPAX}, nil})
	}},
	"layer-not-reproducible": {layer: func(list []*entry) []*entry {
		for _, e := range list {
			if e.PAXRecords == nil {
				e.PAXRecords = map[string]string{}
			}
			e.PAXRecords["ZOO.now"] = strconv.FormatInt(time.Now().UnixNano(), 10)
		}
		return list
	}},
	"layer-not-a-tar": {bytes: func([]byte) []byte { return []byte("not a tar") }},
	"blob-last-byte":  {bytes: func(data []byte) []byte { return data[:len(data)-1] }},
}

func onEntry(change func(*entry)) func([]*entry) []*entry {
	return func(list []*entry) []*entry {
		for _, e := range list {
			change(e)
		}
		return list
	}
}

func withoutEntry(unwanted func(*entry) bool) func([]*entry) []*entry {
	return func(list []*entry) []*entry { return slices.DeleteFunc(list, unwanted) }
}

// withoutEmptyFolders loses folders that nothing is in.
func withoutEmptyFolders(list []*entry) []*entry {
	full := map[string]bool{}
	for _, e := range list {
		full[path.Dir(path.Clean(e.Name))] = true
	}
	return slices.DeleteFunc(list, func(e *entry) bool { return e.Typeflag == tar.TypeDir && !full[path.Clean(e.Name)] })
}
