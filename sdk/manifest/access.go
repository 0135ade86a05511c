// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Access is an entry of permissions.paths: a file or folder that a backend
// reads, or writes, beyond what every backend has.
type Access struct {
	// Variable names the variable that the path begins with. Empty: none.
	Variable string
	// Default is the path that counts when the variable is not set. Empty:
	// then there is no path. Absolute, or "~" with what is below it.
	Default string
	// Rest is what comes behind the variable; without one it is the whole
	// path, absolute or with "~".
	Rest string
	// Write is whether it is written too.
	Write bool
}

// accessSyntax has the parts of an Access as groups, in their order.
var accessSyntax = regexp.MustCompile(`^(?:\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^${}:]+))?\})?([^${}:]*)(:rw)?$`)

// ParseAccess reads an entry: an absolute path, "~/…" in the user's home, or a
// variable "${NAME}", "${NAME:-DEFAULT}", with or without a path behind it; and
// ":rw" when it is written (SPEC M18).
func ParseAccess(text string) (Access, error) {
	m := accessSyntax.FindStringSubmatch(text)
	if m == nil || strings.ContainsFunc(text, unicode.IsControl) {
		return Access{}, errors.New(`is neither a path nor "${NAME:-PATH}", with ":rw" behind it when it is written`)
	}
	a := Access{Variable: m[1], Default: m[2], Rest: m[3], Write: m[4] != ""}
	for _, whole := range a.wholes() {
		if !wholePath(whole) {
			return Access{}, fmt.Errorf("has %q, which is no clean path that begins with / or ~/", whole)
		}
	}
	if a.Variable != "" && a.Rest != "" && (a.Rest == "/" || !cleanPath(a.Rest)) {
		return Access{}, fmt.Errorf("has %q behind a variable, which is no clean path that begins with /", a.Rest)
	}
	return a, nil
}

// wholes are the parts of an Access that name a place by themselves.
func (a Access) wholes() []string {
	switch {
	case a.Variable == "":
		return []string{a.Rest}
	case a.Default != "":
		return []string{a.Default}
	}
	return nil
}

// wholePath says whether a path is absolute, or in the user's home.
func wholePath(p string) bool {
	rest, home := strings.CutPrefix(p, "~")
	if home && (rest == "" || rest == "/") {
		return rest == ""
	}
	return cleanPath(rest)
}

func cleanPath(p string) bool { return path.IsAbs(p) && p == path.Clean(p) }

// Expand returns the path on a machine, by an environment as from os.Environ;
// "~" is HOME. Of a list of paths in a variable the first counts. ok is false
// when there is none: something is not set, or is no absolute path, as in
// GOENV=off.
func (a Access) Expand(environ []string) (file string, ok bool) {
	if a.Variable == "" {
		return absolute(atHome(a.Rest, environ), "")
	}
	if list := filepath.SplitList(variable(environ, a.Variable)); len(list) > 0 {
		return absolute(list[0], a.Rest)
	}
	return absolute(atHome(a.Default, environ), a.Rest)
}

// absolute joins a path; ok is false when it is not absolute.
func absolute(base, rest string) (file string, ok bool) {
	return filepath.Join(base, filepath.FromSlash(rest)), filepath.IsAbs(base)
}

// atHome returns a path with the home for "~"; "" when there is no home.
func atHome(p string, environ []string) string {
	below, ok := strings.CutPrefix(p, "~")
	if !ok {
		return filepath.FromSlash(p)
	}
	home := variable(environ, "HOME")
	if home == "" {
		return ""
	}
	return filepath.Join(home, filepath.FromSlash(below))
}

// variable returns the value of a variable; the last one counts.
func variable(environ []string, name string) string {
	for _, kv := range slices.Backward(environ) {
		if value, ok := strings.CutPrefix(kv, name+"="); ok {
			return value
		}
	}
	return ""
}
