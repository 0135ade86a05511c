// SPDX-License-Identifier: Apache-2.0

package lockfile

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/zlayer/zlayer/sdk/manifest"
)

// check refuses pins that mean nothing. The entries are in order.
func (f *File) check(path string) error {
	for i, e := range f.Plugins {
		problem := e.problem()
		if i > 0 && f.Plugins[i-1].ID == e.ID {
			problem = "it is there twice"
		}
		if problem != "" {
			return &Error{Path: path, Problem: fmt.Sprintf("plugin %q: %s", e.ID, problem), Help: restore}
		}
	}
	return nil
}

// problem says what is wrong with a pin, or "".
func (e Entry) problem() string {
	switch {
	case !manifest.ValidID(e.ID):
		return "no plugin can have this id"
	case !manifest.ValidVersion(e.Version):
		return fmt.Sprintf("version %q is no semantic version", e.Version)
	case e.Kind != manifest.Frontend && e.Kind != manifest.Backend:
		return fmt.Sprintf("kind %q is neither frontend nor backend", e.Kind)
	case !manifest.ValidDigest(e.Manifest):
		return fmt.Sprintf("manifest %q is no digest", e.Manifest)
	case e.major() == 0:
		return fmt.Sprintf("protocol %q is no range like %q", e.Protocol, protocolRange(1))
	case e.Source == "" || e.Resolved == "":
		return "source and resolved must both be there"
	case e.Source != WithoutCredentials(e.Source) || e.Resolved != WithoutCredentials(e.Resolved):
		return "its source holds credentials: remove them, and have new ones made if others have seen this file"
	case len(e.Files) == 0:
		return "it has no files"
	case slices.ContainsFunc(e.texts(), unprintable):
		return "a text in it has characters that cannot be shown"
	}
	return filesProblem(e.Files)
}

// texts are the texts that may hold anything and that people are shown.
func (e Entry) texts() []string {
	list := append([]string{e.Source, e.Resolved}, e.Environment...)
	for _, f := range e.Files {
		list = append(list, f.Path)
	}
	if p := e.Permissions; p != nil {
		list = slices.Concat(list, p.Paths, p.Privileges, p.Tools)
	}
	return list
}

// unprintable says whether a text could do something to a terminal.
func unprintable(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}

var platformSyntax = regexp.MustCompile(`^([a-z0-9]+/[a-z0-9]+|` + Any + `)$`)

// filesProblem says what is wrong with files, or "".
func filesProblem(files []Artifact) string {
	for _, f := range files {
		switch {
		case !manifest.ValidPath(f.Path):
			return fmt.Sprintf("the path %q is not inside the plugin's folder", f.Path)
		case !platformSyntax.MatchString(f.Platform):
			return fmt.Sprintf("%s: platform %q is neither os/arch nor %s", f.Path, f.Platform, Any)
		case !manifest.ValidDigest(f.Digest):
			return fmt.Sprintf("%s: %q is no digest", f.Path, f.Digest)
		}
	}
	return ""
}
