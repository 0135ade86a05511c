// SPDX-License-Identifier: Apache-2.0

package host

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// MaxSource is the largest build file in bytes (SPEC F10).
const MaxSource = 4 << 20

// ReadSource reads a build file.
func ReadSource(name string) (Source, error) {
	file, err := os.Open(name)
	if err != nil {
		return Source{}, &InputError{Message: fmt.Sprintf("cannot read the build file %s", name), Help: "name a file with --file, or a folder that holds one", Err: cause(err)}
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, MaxSource+1))
	if err != nil {
		e := &InputError{Message: fmt.Sprintf("cannot read the build file %s", name), Err: cause(err)}
		if errors.Is(err, syscall.EISDIR) {
			e.Help = "name the file; a folder is given as the build context, without --file"
		}
		return Source{}, e
	}
	abs, err := filepath.Abs(name)
	if err != nil {
		return Source{}, fmt.Errorf("finding %s: %w", name, err)
	}
	return Source{Name: name, Path: abs, Content: content}, nil
}

// Discover finds the build file of a folder by what the frontends' manifests
// say (SPEC 1): with the plugins that come with zlayer a ZImagefile, else the
// one ZImagefile.*, else a Dockerfile, else a Containerfile.
func (h *Host) Discover(dir string) (string, error) {
	// Which build files there are depends on the frontends that are there.
	if err := h.drifted(); err != nil {
		return "", err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", &InputError{Message: "cannot read the build context " + dir, Help: "give the folder that holds the files to build", Err: cause(err)}
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	patterns := h.plugins.Discovery()
	if len(patterns) == 0 {
		return "", noFrontend("build files")
	}
	for _, pattern := range patterns {
		found := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
			ok, err := path.Match(pattern, name)
			return err != nil || !ok
		})
		switch len(found) {
		case 0:
			continue
		case 1:
			return filepath.Join(dir, found[0]), nil
		}
		return "", &InputError{
			Message: fmt.Sprintf("%s holds several build files: %s", dir, strings.Join(found, ", ")),
			Help:    "choose one with --file",
		}
	}
	return "", &InputError{
		Message: fmt.Sprintf("%s holds no build file: no %s", dir, strings.Join(patterns, ", ")),
		Help:    "name one with --file",
	}
}

// noFrontend is the error when no usable frontend understands something.
func noFrontend(what string) error {
	return &PluginError{Fault: Absent, Message: "no frontend is installed that understands " + what, Help: "zlayer plugin list shows what is installed and what is broken"}
}

// syntax returns the frontend that a "# syntax=" line asks for, without the name
// of Docker's own registry, and the range of bytes where it stands. The line
// must come before anything but other directives.
func syntax(content []byte) (name string, start, end int) {
	offset := len(content) - len(bytes.TrimPrefix(content, []byte("\xef\xbb\xbf")))
	for offset < len(content) {
		line := content[offset:]
		if n := bytes.IndexByte(line, '\n'); n >= 0 {
			line = line[:n]
		}
		key, value, ok := directive(line)
		if !ok {
			return "", 0, 0
		}
		if key == "syntax" {
			at := offset + bytes.Index(line, []byte(value))
			return strings.TrimPrefix(value, "docker.io/"), at, at + len(value)
		}
		offset += len(line) + 1
	}
	return "", 0, 0
}

// directive splits "# key=value" and, in files whose comments look so,
// "// key=value".
func directive(line []byte) (key, value string, ok bool) {
	text := strings.TrimSpace(string(line))
	switch {
	case strings.HasPrefix(text, "#"):
		text = text[1:]
	case strings.HasPrefix(text, "//"):
		text = text[2:]
	default:
		return "", "", false
	}
	key, value, ok = strings.Cut(text, "=")
	return strings.ToLower(strings.TrimSpace(key)), strings.TrimSpace(value), ok
}

// cause strips the path from an error whose message already names it.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
