// SPDX-License-Identifier: Apache-2.0

package lockfile

import (
	"net/url"
	"slices"
	"strings"
)

// secretWords are in the names of parameters by which a URL lets its bearer in.
var secretWords = []string{"auth", "credential", "key", "passw", "pwd", "secret", "sig", "token"}

// WithoutCredentials returns a URL without its user, password and secret
// parameters. It returns anything else as it is.
func WithoutCredentials(text string) string {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		return text
	}
	authority, path := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority, path = rest[:i], rest[i:]
	}
	return scheme + "://" + authority[strings.LastIndexByte(authority, '@')+1:] + withoutSecrets(path)
}

// withoutSecrets removes the secret parameters behind a path. The others stay
// as they are written.
func withoutSecrets(path string) string {
	path, fragment, hasFragment := strings.Cut(path, "#")
	path, query, _ := strings.Cut(path, "?")
	parameters := slices.DeleteFunc(strings.Split(query, "&"), secret)
	if query = strings.Join(parameters, "&"); query != "" {
		path += "?" + query
	}
	if hasFragment {
		path += "#" + fragment
	}
	return path
}

// secret says whether a parameter, "name=value", lets its bearer in.
func secret(parameter string) bool {
	name, _, _ := strings.Cut(parameter, "=")
	if plain, err := url.QueryUnescape(name); err == nil {
		name = plain
	}
	name = strings.ToLower(name)
	return slices.ContainsFunc(secretWords, func(word string) bool { return strings.Contains(name, word) })
}
