// SPDX-License-Identifier: Apache-2.0

package frontend

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
)

// reply answers a need from a context, contents by path.
func reply(files map[string][]byte, need *frontendv1.Need) *frontendv1.File {
	first := ""
	if len(need.GetPaths()) > 0 {
		first = need.GetPaths()[0]
	}
	answer := &frontendv1.File{Path: first}
	switch need.GetKind() {
	case frontendv1.NeedKind_NEED_KIND_LIST:
		answer.Entries = names(files, first)
		answer.Absent = len(answer.Entries) == 0 && first != "."
	case frontendv1.NeedKind_NEED_KIND_GLOB:
		for _, name := range paths(files) {
			if fits(strings.Split(first, "/"), strings.Split(name, "/")) {
				answer.Entries = append(answer.Entries, name)
			}
		}
	default:
		answer.Absent = true
		for _, name := range need.GetPaths() {
			if content, ok := files[name]; ok {
				return &frontendv1.File{Path: name, Content: content}
			}
		}
	}
	return answer
}

// paths returns the files and the folders they are in, sorted.
func paths(files map[string][]byte) []string {
	found := map[string]bool{}
	for name := range files {
		for ; name != "."; name = path.Dir(name) {
			found[name] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// names returns the names in a folder, sorted.
func names(files map[string][]byte, folder string) []string {
	found := map[string]bool{}
	for name := range files {
		rest, ok := strings.CutPrefix(name, folder+"/")
		if folder == "." {
			rest, ok = name, true
		}
		if name, _, _ := strings.Cut(rest, "/"); ok {
			found[name] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// fits matches a path by elements; "**" stands for any number of them.
func fits(pattern, name []string) bool {
	switch {
	case len(pattern) == 0:
		return len(name) == 0
	case pattern[0] == "**":
		return fits(pattern[1:], name) || len(name) > 0 && fits(pattern, name[1:])
	case len(name) == 0:
		return false
	}
	ok, err := path.Match(pattern[0], name[0])
	return ok && err == nil && fits(pattern[1:], name[1:])
}

// needText writes needs: kind and paths.
func needText(needs []*frontendv1.Need) string {
	var b strings.Builder
	for _, n := range needs {
		b.WriteString(kindName(n.GetKind().String(), "NEED_KIND_") + " " + strings.Join(n.GetPaths(), " ") + "\n")
	}
	return b.String()
}
