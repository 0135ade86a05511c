// SPDX-License-Identifier: Apache-2.0

// Package build builds vectors as a user would, through the host, and says what
// came of it.
package build

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/zlayer/zlayer/conformance/internal/serve"
	"github.com/zlayer/zlayer/conformance/vectors"
	"github.com/zlayer/zlayer/host"
)

// Laid is a vector on disk, with what its build fetches being served.
type Laid struct {
	*vectors.Container
	// Servers are where it fetches from.
	Servers *serve.Servers

	dir  string // has a folder for each context
	args []host.Arg
}

// Lay writes a vector to a new folder called dir, which must be below the
// folder that is served.
func Lay(c *vectors.Container, s *serve.Servers, dir string) (*Laid, error) {
	l := &Laid{Container: c, Servers: s, dir: dir, args: []host.Arg{{Name: "BASE", Value: s.Base}}}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	if err := c.Write(dir); err != nil {
		return nil, err
	}
	err := errors.Join(l.offer("http", "HTTP", s.URL), l.offer("git", "GIT", s.Repository))
	for _, a := range c.Args {
		key, value, _ := strings.Cut(a, "=")
		l.args = append(l.args, host.Arg{Name: key, Value: value})
	}
	return l, err
}

// offer gives the build an argument with the URL of a folder, when it is there.
func (l *Laid) offer(folder, arg string, serve func(dir string) (url string, err error)) error {
	dir := filepath.Join(l.dir, folder)
	if _, err := os.Stat(dir); err != nil {
		return nil
	}
	url, err := serve(dir)
	l.args = append(l.args, host.Arg{Name: arg, Value: url})
	return err
}

// change makes the files what they are in a later round.
func (l *Laid) change(round int) error {
	folders, err := l.Change(l.dir, round)
	if err == nil && slices.Contains(folders, "git") {
		_, err = l.Servers.Repository(filepath.Join(l.dir, "git"))
	}
	return err
}

// Context is the folder of the build context.
func (l *Laid) Context() string { return filepath.Join(l.dir, "context") }

// Request is the build of the vector by a backend, in its first round.
func (l *Laid) Request(backend string) (host.Request, error) {
	text, _ := l.File("Dockerfile")
	r := host.Request{
		Source:  host.Source{Name: "Dockerfile", Path: filepath.Join(l.Context(), "Dockerfile"), Content: text},
		Context: host.Context{Folder: l.Context()}, Contexts: map[string]host.Context{}, Secrets: map[string]host.Secret{},
		Args: l.round(1), Target: l.Target, Backend: backend, SourceDateEpoch: l.Epoch,
	}
	if l.Platform != "" {
		r.Platforms = []string{l.Platform}
	}
	for name, reference := range l.Images {
		r.Contexts[name] = host.Context{Image: strings.ReplaceAll(reference, "$BASE", l.Servers.Base)}
	}
	folders, err := os.ReadDir(l.dir)
	if err != nil {
		return r, err
	}
	for _, f := range folders {
		if n := f.Name(); n != "context" && n != "http" && n != "git" {
			r.Contexts[n] = host.Context{Folder: filepath.Join(l.dir, n)}
		}
	}
	// Not below l.dir, where it would be a context.
	secrets := l.dir + "-secrets"
	for id, value := range l.Secrets {
		file := filepath.Join(secrets, id)
		if err := errors.Join(os.MkdirAll(secrets, 0o700), os.WriteFile(file, []byte(value), 0o600)); err != nil {
			return r, err
		}
		r.Secrets[id] = host.Secret{File: file}
	}
	return r, nil
}
