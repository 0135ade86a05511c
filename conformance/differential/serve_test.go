// SPDX-License-Identifier: Apache-2.0

//go:build system

package differential_test

import (
	"bytes"
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
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/zlayer/zlayer/conformance/vectors"
)

// servers are what builds fetch from: a registry with the base image, and the
// folders http and git of each vector.
type servers struct {
	base  string // the base image's reference
	files string // the URL of the folder of vectors
	image *image // the base, read
}

// serve starts them; root holds a folder for each vector.
func serve(t *testing.T, root string) *servers {
	t.Helper()
	images := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(images.Close)
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServer(http.Dir(root)))
	mux.Handle("/git/", &cgi.Handler{
		Path: gitBackend(t), Root: "/git", Dir: root,
		Env: []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"},
	})
	files := httptest.NewServer(mux)
	t.Cleanup(files.Close)
	s := &servers{base: strings.TrimPrefix(images.URL, "http://") + "/base:1", files: files.URL}
	base, err := baseImage()
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(s.base, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, base); err != nil {
		t.Fatal(err)
	}
	if s.image, err = readImage(base); err != nil {
		t.Fatal(err)
	}
	return s
}

// gitBackend is git's program that serves repositories.
func gitBackend(t *testing.T) string {
	t.Helper()
	dir, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		t.Fatal("install git: ", err)
	}
	return filepath.Join(strings.TrimSpace(string(dir)), "git-http-backend")
}

// baseImage makes the image that vectors/README.md describes.
func baseImage() (v1.Image, error) {
	tars, err := vectors.Layers("/bin/busybox")
	if err != nil {
		return nil, fmt.Errorf("install busybox-static: %w", err)
	}
	var layers []v1.Layer
	for _, data := range tars {
		l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil })
		if err != nil {
			return nil, err
		}
		layers = append(layers, l)
	}
	image, err := mutate.AppendLayers(empty.Image, layers...)
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config.OS, config.Architecture = "linux", "amd64"
	config.Config = v1.Config{Env: []string{"PATH=/usr/bin:/bin", "BASED=yes"}, Cmd: []string{"sh"}, Labels: map[string]string{"base": "1"}}
	return mutate.ConfigFile(image, config)
}

// repository turns the folder git of a vector into a repository, always of the
// same commit, and returns its URL.
func (s *servers) repository(dir string) (string, error) {
	const script = `
git init -q -b main .
git config uploadpack.allowAnySHA1InWant true
git add -A
git commit -q -m first
git tag v1
`
	cmd := exec.Command("sh", "-euc", script)
	cmd.Dir = filepath.Join(dir, "git")
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
	for _, who := range []string{"AUTHOR", "COMMITTER"} {
		cmd.Env = append(cmd.Env, "GIT_"+who+"_NAME=a", "GIT_"+who+"_EMAIL=a@example.com", "GIT_"+who+"_DATE=981173106 +0000")
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("making the repository: %w\n%s", err, out)
	}
	return s.files + "/git/" + filepath.Base(dir) + "/git/.git", nil
}
