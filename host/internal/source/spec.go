// SPDX-License-Identifier: Apache-2.0

package source

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/zlayer/zlayer/host/internal/lockfile"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// Kind says where a source is.
type Kind int

// The kinds.
const (
	// Registry is a repository of an OCI registry.
	Registry Kind = iota + 1
	// URL is an archive behind https.
	URL
	// File is an archive on this machine.
	File
	// Folder is a folder on this machine.
	Folder
)

// ociScheme may precede a reference to a registry.
const ociScheme = "oci://"

// Spec is what a user wrote for a source.
type Spec struct {
	// Kind is where it is.
	Kind Kind
	// Location is "registry/repository", a URL or an absolute path.
	Location string
	// Tag and Digest are what the user asked for in a registry. Both empty:
	// the newest version.
	Tag, Digest string
}

// Parse reads what a user wrote: "[oci://]registry/repository[:tag][@digest]",
// an https URL, or the path of a file or folder. What looks like a path or
// exists is one. The error is an *Error.
func Parse(text string) (Spec, error) {
	switch {
	case text == "":
		return Spec{}, &Error{Problem: Absent, Source: text, Message: "no source is named", Help: helpForms}
	case strings.HasPrefix(text, ociScheme):
		return parseReference(strings.TrimPrefix(text, ociScheme))
	case strings.Contains(text, "://"):
		return parseURL(text)
	case looksLikePath(text) || exists(text):
		return parsePath(text)
	case !namesRegistry(text):
		return Spec{}, &Error{Problem: Absent, Source: text, Message: "there is no file or folder by this name, and it names no registry", Help: helpForms}
	}
	return parseReference(text)
}

// helpForms says what a source may be.
const helpForms = "write [oci://]REGISTRY/REPOSITORY, https://HOST/FILE.tar.gz, or the path of a file or folder"

// namesRegistry says whether a text begins with a registry, by Docker's rule. A
// plugin is in none that need not be named.
func namesRegistry(text string) bool {
	registry, _, ok := strings.Cut(text, "/")
	return ok && (strings.ContainsAny(registry, ".:") || registry == "localhost")
}

// ParseDestination is Parse for what is to be written, which need not exist: a
// name that ends like an archive is a file, any other path a folder.
func ParseDestination(text string) (Spec, error) {
	if text == "" || strings.Contains(text, "://") || !looksLikePath(text) && !exists(text) && namesRegistry(text) {
		return Parse(text)
	}
	path, err := filepath.Abs(text)
	if err != nil {
		return Spec{}, &Error{Problem: Absent, Source: text, Message: "it cannot be found", Err: err}
	}
	if isArchive(path) {
		return Spec{Kind: File, Location: path}, nil
	}
	return Spec{Kind: Folder, Location: path}, nil
}

func looksLikePath(text string) bool {
	return text == "." || text == ".." || filepath.IsAbs(text) || strings.HasPrefix(text, "./") || strings.HasPrefix(text, "../") || isArchive(text)
}

// isArchive says whether a name is that of an archive.
func isArchive(name string) bool {
	for _, suffix := range []string{".tar", ".tar.gz", ".tgz"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func parsePath(text string) (Spec, error) {
	path, err := filepath.Abs(text)
	if err != nil {
		return Spec{}, &Error{Problem: Absent, Source: text, Message: "it cannot be found", Err: err}
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return Spec{}, &Error{Problem: Absent, Source: text, Message: "there is no such file or folder", Help: "check the path; a plugin in a registry is written oci://registry/repository"}
	case info.IsDir():
		return Spec{Kind: Folder, Location: path}, nil
	}
	return Spec{Kind: File, Location: path}, nil
}

func parseURL(text string) (Spec, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return Spec{}, &Error{Problem: Absent, Source: lockfile.WithoutCredentials(text), Message: "this is no URL", Help: "write https://HOST/PATH.tar.gz"}
	}
	if u.Scheme != "https" && u.Scheme != "http" {
		return Spec{}, &Error{Problem: Absent, Source: lockfile.WithoutCredentials(text), Message: "plugins do not come over " + u.Scheme, Help: "write oci://REGISTRY/REPOSITORY or https://HOST/PATH.tar.gz"}
	}
	return Spec{Kind: URL, Location: text}, nil
}

// parseReference splits a reference; what is wrong with its name the registry's
// client says.
func parseReference(text string) (Spec, error) {
	name, digest, pinned := strings.Cut(text, "@")
	if pinned && !manifest.ValidDigest(digest) {
		return Spec{}, &Error{Problem: Absent, Source: text, Message: "what is behind the @ is no digest", Help: `write it as "sha256:" and 64 hexadecimal digits`}
	}
	tag := ""
	if colon := strings.LastIndexByte(name, ':'); colon > strings.LastIndexByte(name, '/') {
		name, tag = name[:colon], name[colon+1:]
	}
	return Spec{Kind: Registry, Location: name, Tag: tag, Digest: digest}, nil
}

// Newest returns a source without the version that was asked for there, so that
// it means the newest. A tag that is no version moves by itself, and a digest
// is meant; both stay.
func Newest(text string) string {
	s, err := Parse(text)
	if err != nil || s.Kind != Registry || s.Digest != "" || !IsVersion(s.Tag) {
		return text
	}
	s.Tag = ""
	return s.String()
}

// String returns the source as it is recorded and shown: paths are absolute,
// and a URL is without what lets its bearer in.
func (s Spec) String() string {
	switch s.Kind {
	case Registry:
		text := ociScheme + s.Location
		if s.Tag != "" {
			text += ":" + s.Tag
		}
		if s.Digest != "" {
			text += "@" + s.Digest
		}
		return text
	case URL:
		return lockfile.WithoutCredentials(s.Location)
	}
	return s.Location
}
