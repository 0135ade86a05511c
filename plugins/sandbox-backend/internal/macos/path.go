// SPDX-License-Identifier: Apache-2.0

package macos

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// quote writes a path as a string of a profile. The language is a Scheme: in
// a string only quotes and backslashes have a meaning, and a line may not end.
// A path that is not absolute and clean would not mean what it says, and one
// with a NUL cannot be said.
func quote(name string) (string, error) {
	switch {
	case strings.ContainsRune(name, 0):
		return "", fmt.Errorf("the path %q holds a NUL", name)
	case !path.IsAbs(name) || path.Clean(name) != name:
		return "", fmt.Errorf("the path %q is not absolute and clean", name)
	}
	return `"` + escapes.Replace(name) + `"`, nil
}

var escapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`)

// canonical returns a path as the kernel sees it. The kernel compares a
// profile with the paths of files, not with the names they were opened by: a
// rule about /tmp would never match, because that is a link to /private/tmp.
func canonical(name string) string {
	name = path.Clean(name)
	if rest, ok := strings.CutPrefix(name, dataVolume); ok && strings.HasPrefix(rest, "/") {
		name = rest
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(name, "/"), "/")
	if slices.Contains(movedFolders, first) {
		return "/private" + name
	}
	return name
}

// dataVolume is where the volume is mounted that holds what can be written.
// Its folders are also in the root, by firm links.
const dataVolume = "/System/Volumes/Data"

// movedFolders are links in the root that lead to folders in /private.
var movedFolders = []string{"etc", "tmp", "var"}

// ancestors lists the folders above paths, without the root, sorted.
func ancestors(names []string) []string {
	var all []string
	for _, name := range names {
		for dir := path.Dir(name); dir != "/" && dir != "."; dir = path.Dir(dir) {
			all = append(all, dir)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
