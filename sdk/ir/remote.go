// SPDX-License-Identifier: Apache-2.0

package ir

import "strings"

// RemoteKind says where a source of ADD lives.
type RemoteKind int

// The kinds.
const (
	// RemoteNone is a path in the context.
	RemoteNone RemoteKind = iota
	// RemoteURL is fetched over HTTP.
	RemoteURL
	// RemoteGit is a git repository, which is cloned.
	RemoteGit
)

// Remote tells apart the sources of ADD as BuildKit does: git and ssh URLs,
// scp-like git addresses and HTTP URLs whose path ends in ".git" are git
// repositories; other HTTP URLs are fetched; the rest are paths.
func Remote(source string) RemoteKind {
	if scheme, rest, ok := strings.Cut(source, "://"); ok {
		switch strings.ToLower(scheme) {
		case "git", "ssh":
			return RemoteGit
		case "http", "https":
			if strings.HasSuffix(urlPath(rest), ".git") {
				return RemoteGit
			}
			return RemoteURL
		}
		return RemoteNone
	}
	if isSCP(source) {
		return RemoteGit
	}
	return RemoteNone
}

// urlPath returns the path of what follows "://" in a URL.
func urlPath(rest string) string {
	if i := strings.IndexAny(rest, "?#"); i >= 0 {
		rest = rest[:i]
	}
	_, path, _ := strings.Cut(rest, "/")
	return path
}

// isSCP recognises user@host:path. The user is required: "host:path" is a file
// name.
func isSCP(s string) bool {
	user, rest, ok := strings.Cut(s, "@")
	if !ok || !isName(user, "-_") {
		return false
	}
	host, _, ok := strings.Cut(rest, ":")
	return ok && isName(host, "-.")
}

// isName says whether s is not empty and has only ASCII letters, digits and the
// characters of more.
func isName(s, more string) bool {
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte(more, c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}
