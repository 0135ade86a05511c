// SPDX-License-Identifier: Apache-2.0

package host

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/zlayer/zlayer/sdk/ir"
	"github.com/zlayer/zlayer/sdk/remote"
)

// Context says where files of a build come from: exactly one field is set. The
// main context has files, which a Folder, Git, URL or Stream has.
type Context struct {
	// Folder is a path.
	Folder string
	// Image is the reference of an image.
	Image string
	// Layout is an image of an OCI image layout.
	Layout Layout
	// Git is a repository, or a folder of one: "address#ref:folder", as
	// sdk/remote's ParseRepository has it.
	Git string
	// URL leads to a tar, which may be compressed. For the main context it may
	// also be a build file; the context is empty then.
	URL string
	// Stream is what a URL would lead to.
	Stream io.Reader

	// passing says that the folder goes when the build ends.
	passing bool
}

// Layout says which image of an OCI image layout is meant: without tag and digest
// the one called "latest", or the only one.
type Layout struct {
	// Path is the folder of the layout.
	Path string
	// Tag is what the layout calls the image. May be empty.
	Tag string
	// Digest is that of the image's manifest, or manifest list. May be empty.
	Digest string
}

// The schemes of contexts that are images.
const (
	imageScheme  = "docker-image"
	layoutScheme = "oci-layout"
)

// contextHelp says what a context may be.
const contextHelp = "a context is a folder, a git repository (https://….git, ssh://…, git://…, user@host:path), or the http or https URL of a tar; a named one also docker-image://REFERENCE or oci-layout://PATH[:TAG]"

// ParseContext reads what docker build takes for a context: a folder, the address
// of a git repository, the URL of a tar or a build file, "docker-image://…" or
// "oci-layout://…". The error is an *InputError and shows no password.
func ParseContext(text string) (Context, error) {
	var c Context
	scheme, rest, isURL := strings.Cut(text, "://")
	kind := ir.Remote(text)
	switch {
	case kind == ir.RemoteGit:
		c.Git = text
	case kind == ir.RemoteURL:
		c.URL = text
	case isURL && scheme == imageScheme:
		c.Image = rest
	case isURL && scheme == layoutScheme:
		c.Layout = parseLayout(rest)
	case isURL:
		return c, &InputError{Message: fmt.Sprintf("the build context %q has the unknown scheme %q", veiled(text), scheme), Help: contextHelp}
	default:
		c.Folder = text
	}
	return c, c.malformed()
}

// parseLayout reads "path[:tag][@digest]".
func parseLayout(text string) (l Layout) {
	l.Path, l.Digest, _ = strings.Cut(text, "@")
	if i := strings.LastIndexByte(l.Path, ':'); i >= 0 && !strings.Contains(l.Path[i:], "/") {
		l.Path, l.Tag = l.Path[:i], l.Path[i+1:]
	}
	return l
}

// malformed says what is wrong with the text of a context.
func (c Context) malformed() error {
	var err error
	switch {
	case c == Context{}:
		err = errors.New("it names nothing")
	case c.Git != "":
		_, err = remote.ParseRepository(c.Git)
	case c.URL != "":
		if u, wrong := url.Parse(c.URL); wrong != nil || u.Host == "" {
			err = errors.New("special characters of a URL are written as %XX")
		}
	}
	if err != nil {
		return &InputError{Message: fmt.Sprintf("the build context %q cannot be used", c), Help: contextHelp, Err: err}
	}
	return nil
}

// Away says whether the files have to be fetched first.
func (c Context) Away() bool { return c.Git != "" || c.URL != "" || c.Stream != nil }

// String names the context for people. It shows no credentials.
func (c Context) String() string {
	switch {
	case c.Git != "":
		if r, err := remote.ParseRepository(c.Git); err == nil {
			return r.String()
		}
		return veiled(c.Git)
	case c.URL != "":
		if _, err := url.Parse(c.URL); err != nil {
			return veiled(c.URL)
		}
		return remote.WithoutUser(c.URL)
	case c.Stream != nil:
		return "stdin"
	case c.Image != "":
		return imageScheme + "://" + c.Image
	case c.Layout != Layout{}:
		return c.Layout.String()
	}
	return c.Folder
}

// String is the layout as users write it.
func (l Layout) String() string {
	text := layoutScheme + "://" + l.Path
	if l.Tag != "" {
		text += ":" + l.Tag
	}
	if l.Digest != "" {
		text += "@" + l.Digest
	}
	return text
}

// veiled is an address that is malformed, or that nobody knows how to read,
// without what may be secret in it.
func veiled(address string) string {
	scheme, rest, _ := strings.Cut(address, "://")
	i := strings.LastIndexByte(rest, '@')
	if i < 0 {
		return address
	}
	return scheme + "://…@" + rest[i+1:]
}
