// SPDX-License-Identifier: Apache-2.0

// Package serve serves what builds of vectors fetch: the base image from a
// registry, files over http, and git repositories.
package serve

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Servers are a registry with the base image, and a server of the files and
// repositories below a folder.
type Servers struct {
	// Base is the reference of the base image.
	Base string
	// Files is the URL of the folder.
	Files string
	// Image is the base image.
	Image v1.Image

	root string
	ends []func()
}

// Start starts the servers. Files and repositories are those below root.
func Start(root string) (*Servers, error) {
	images := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	files := httptest.NewServer(handler(root))
	s := &Servers{
		Base: strings.TrimPrefix(images.URL, "http://") + "/base:1", Files: files.URL,
		root: root, ends: []func(){images.Close, files.Close},
	}
	if err := s.push(); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Close ends the servers.
func (s *Servers) Close() {
	for _, end := range s.ends {
		end()
	}
}

// push makes the base image and gives it to the registry.
func (s *Servers) push() (err error) {
	if s.Image, err = base(); err != nil {
		return err
	}
	ref, err := name.ParseReference(s.Base, name.Insecure)
	if err != nil {
		return err
	}
	return remote.Write(ref, s.Image)
}

// handler serves files, and below /git/ repositories when there is a git.
func handler(root string) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServer(http.Dir(root)))
	if dir, err := exec.Command("git", "--exec-path").Output(); err == nil {
		mux.Handle("/git/", &cgi.Handler{
			Path: filepath.Join(strings.TrimSpace(string(dir)), "git-http-backend"), Root: "/git", Dir: root,
			Env: []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"},
		})
	}
	return mux
}

// URL is where a folder or file below the root is served over http.
func (s *Servers) URL(path string) (string, error) {
	name, err := filepath.Rel(s.root, path)
	return s.Files + "/" + filepath.ToSlash(name), err
}

// Repository commits what is in a folder below the root, which becomes a git
// repository, and returns its URL. The first commit is always the same for the
// same files.
func (s *Servers) Repository(dir string) (string, error) {
	const script = `
git init -q -b main . 2>/dev/null
git config uploadpack.allowAnySHA1InWant true
git add -A
git commit -q -m first
git tag -f v1 >/dev/null
`
	cmd := exec.Command("sh", "-euc", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
	for _, who := range []string{"AUTHOR", "COMMITTER"} {
		cmd.Env = append(cmd.Env, "GIT_"+who+"_NAME=a", "GIT_"+who+"_EMAIL=a@example.com", "GIT_"+who+"_DATE=981173106 +0000")
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("making a git repository: %w\n%s", err, out)
	}
	name, err := filepath.Rel(s.root, dir)
	return s.Files + "/git/" + filepath.ToSlash(name) + "/.git", err
}
