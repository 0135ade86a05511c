// SPDX-License-Identifier: Apache-2.0

package ir

import "strings"

// A ReferenceError says why a text is no image reference.
type ReferenceError struct {
	// Text is the whole text.
	Text string
	// Problem is what is wrong with it.
	Problem string
}

// Error names the text and the problem.
func (e *ReferenceError) Error() string {
	return "image reference \"" + e.Text + "\" " + e.Problem
}

// NormalizeReference returns the full form of an image reference as Docker
// reads it: "debian" is "docker.io/library/debian:latest". A digest is kept,
// with the tag before it if there is one.
func NormalizeReference(text string) (string, error) {
	rest, digest, hasDigest := strings.Cut(text, "@")
	name, tag := cutTag(rest)
	domain, path := splitDomain(name)
	bad := func(problem string) (string, error) { return "", &ReferenceError{text, problem} }
	switch {
	case name == "" || path == "":
		return bad("has no name")
	case isHex(text) && len(text) == 64:
		return bad("is an image id; use a name")
	case strings.ToLower(path) != path:
		return bad("has upper-case letters in its repository name")
	case !validDomain(domain) || !validPath(path):
		return bad("is malformed")
	case tag != "" && !validTag(tag), strings.HasSuffix(rest, ":"):
		return bad("has a malformed tag")
	case hasDigest && !validDigest(digest):
		return bad("has a malformed digest")
	}
	full := domain + "/" + path
	if tag == "" && !hasDigest {
		tag = "latest"
	}
	if tag != "" {
		full += ":" + tag
	}
	if hasDigest {
		full += "@" + digest
	}
	return full, nil
}

// familiar returns the short form by which people know an image, without the
// default tag.
func familiar(full string) string {
	s := strings.TrimPrefix(full, "docker.io/")
	if len(s) < len(full) {
		s = strings.TrimPrefix(s, "library/")
	}
	return strings.TrimSuffix(s, ":latest")
}

// cutTag splits name:tag. A port of a registry is no tag.
func cutTag(s string) (name, tag string) {
	if i := strings.LastIndexByte(s, ':'); i > strings.LastIndexByte(s, '/') {
		return s[:i], s[i+1:]
	}
	return s, ""
}

// splitDomain splits registry and repository and fills in Docker Hub's names.
func splitDomain(name string) (domain, path string) {
	domain, path, ok := strings.Cut(name, "/")
	if !ok || !strings.ContainsAny(domain, ".:") && domain != "localhost" && strings.ToLower(domain) == domain {
		domain, path = "docker.io", name
	}
	if domain == "index.docker.io" {
		domain = "docker.io"
	}
	if domain == "docker.io" && !strings.Contains(path, "/") {
		path = "library/" + path
	}
	return domain, path
}

func validDomain(s string) bool {
	host, port, hasPort := strings.Cut(s, ":")
	if strings.HasPrefix(s, "[") { // IPv6
		host, port, hasPort = strings.Cut(s[1:], "]")
		port = strings.TrimPrefix(port, ":")
		return hasPort && strings.Trim(host, "0123456789abcdefABCDEF:") == "" && strings.Trim(port, "0123456789") == ""
	}
	if hasPort && (port == "" || strings.Trim(port, "0123456789") != "") {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if !isName(label, "-") || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
	}
	return true
}

func validPath(s string) bool {
	for part := range strings.SplitSeq(s, "/") {
		if !validComponent(part) {
			return false
		}
	}
	return true
}

// validComponent accepts letters and digits separated by ".", "_", "__" or any
// number of "-".
func validComponent(s string) bool {
	words := strings.FieldsFunc(s, func(c rune) bool { return c == '.' || c == '_' || c == '-' })
	rest := s
	for i, w := range words {
		before, after, _ := strings.Cut(rest, w)
		if !validSeparator(before, i == 0) || !isName(w, "") {
			return false
		}
		rest = after
	}
	return len(words) > 0 && rest == ""
}

func validSeparator(s string, first bool) bool {
	if first || s == "" {
		return first && s == ""
	}
	return s == "." || s == "_" || s == "__" || strings.Trim(s, "-") == ""
}

func validTag(s string) bool {
	return len(s) <= 128 && isName(s, "_.-") && s[0] != '.' && s[0] != '-'
}

// validDigest accepts the digests that OCI registers.
func validDigest(s string) bool {
	if hex, ok := strings.CutPrefix(s, "sha256:"); ok {
		return len(hex) == 64 && isHex(hex)
	}
	hex, ok := strings.CutPrefix(s, "sha512:")
	return ok && len(hex) == 128 && isHex(hex)
}

// isHex says whether s is made of lower-case hexadecimal digits.
func isHex(s string) bool { return s != "" && strings.Trim(s, "0123456789abcdef") == "" }
