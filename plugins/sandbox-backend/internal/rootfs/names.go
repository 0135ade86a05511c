// SPDX-License-Identifier: Apache-2.0

package rootfs

import "strings"

// split returns the folder and the base of a name that is not the root.
func split(name string) (dir, base string) {
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		return name[:i], name[i+1:]
	}
	return ".", name
}

// join is the name of what is in a folder.
func join(dir, base string) string {
	if dir == "." {
		return base
	}
	return dir + "/" + base
}

// above calls fn for each folder above a name, the nearest first, the root
// last. It ends when fn returns false.
func above(name string, fn func(dir string) bool) {
	for name != "." {
		name, _ = split(name)
		if !fn(name) {
			return
		}
	}
}

// under says that a name is below a folder.
func under(name, dir string) bool {
	return dir == "." || len(name) > len(dir) && name[len(dir)] == '/' && name[:len(dir)] == dir
}
