// SPDX-License-Identifier: Apache-2.0

package suite

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Section is the first part of a case's name.
func Section(name string) string {
	section, _, _ := strings.Cut(name, "/")
	return section
}

// Match returns what chooses the cases that one of the patterns fits, for
// Options.Match. A pattern is that of path.Match, of a whole name or, without a
// slash, of a section. Without patterns it returns nil, which chooses all.
func Match(patterns ...string) (func(name string) bool, error) {
	if len(patterns) == 0 {
		return nil, nil
	}
	for _, p := range patterns {
		if _, err := path.Match(p, ""); err != nil || p == "" {
			return nil, fmt.Errorf("%q is no pattern of names", p)
		}
	}
	return func(name string) bool {
		return slices.ContainsFunc(patterns, func(p string) bool { return fits(p, name) })
	}, nil
}

func fits(pattern, name string) bool {
	if !strings.Contains(pattern, "/") {
		name = Section(name)
	}
	ok, _ := path.Match(pattern, name)
	return ok
}
