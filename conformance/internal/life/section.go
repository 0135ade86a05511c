// SPDX-License-Identifier: Apache-2.0

package life

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"

	"github.com/zlayer/zlayer/conformance/internal/serve"
	"github.com/zlayer/zlayer/conformance/internal/target"
	"github.com/zlayer/zlayer/conformance/vectors"
	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

// section is what all scripts share. What takes time is made when it is first
// needed.
type section struct {
	*target.Target
	kind     target.Kind
	language string // of wasm builds: the first one that there are builds for
	builds   map[string]vectors.Build

	// state is a folder of the backend that scripts share, so that not each of
	// them has to fill caches.
	state func() (string, error)
	// images is an OCI layout with the base image, which base describes.
	images func() (*images, error)
	// host reads build files.
	host func() (*host.Host, error)

	mu   sync.Mutex
	ends []func() // end what was made
}

// images is an OCI layout with one image.
type images struct {
	dir  string
	base *ir.FetchedImage
}

// newSection is the section for a backend. One that builds both containers and
// modules is looked at with containers.
func newSection(t *target.Target) (*section, error) {
	s := &section{Target: t, kind: target.Wasm}
	if t.Is(target.Container) {
		s.kind = target.Container
	}
	var err error
	if s.builds, err = vectors.Builds(); err != nil {
		return nil, err
	}
	for _, dir := range t.Vectors {
		more, err := vectors.ReadBuilds(os.DirFS(dir))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", dir, err)
		}
		for name, b := range more {
			s.builds[name] = b
		}
	}
	s.language = s.findLanguage()
	s.state = sync.OnceValues(func() (string, error) { return t.Scratch("state") })
	s.images = sync.OnceValues(s.makeImages)
	s.host = sync.OnceValues(s.openHost)
	return s, nil
}

// findLanguage is the language of the backend's wasm builds: one that there is
// a build for, or none.
func (s *section) findLanguage() string {
	var languages []string
	for _, b := range s.builds {
		for kind := range b {
			if kind != "container" && s.Declares("wasm."+kind) {
				languages = append(languages, kind)
			}
		}
	}
	if len(languages) == 0 {
		return ""
	}
	return slices.Min(languages)
}

// openHost opens a host that has no backends to run: it only reads build files.
func (s *section) openHost() (*host.Host, error) {
	dir := filepath.Join(s.Work, "life-host")
	h, err := host.Open(host.Config{DataDir: dir, BundleDir: s.Bundle})
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ends = append(s.ends, func() { _ = h.Close() })
	return h, nil
}

// close ends what was made, and removes the mounts that a backend has left in
// what scripts share.
func (s *section) close() {
	unmountBelow(s.Work)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, end := range s.ends {
		end()
	}
}

// makeImages makes the layout with the base image.
func (s *section) makeImages() (*images, error) {
	dir, err := s.Scratch("images")
	if err != nil {
		return nil, err
	}
	servers, err := serve.Start(dir)
	if err != nil {
		return nil, err
	}
	servers.Close() // the image is all that is needed
	path, err := layout.Write(dir, empty.Index)
	if err == nil {
		err = path.AppendImage(servers.Image)
	}
	if err != nil {
		return nil, fmt.Errorf("writing the base image: %w", err)
	}
	digest, err := servers.Image.Digest()
	if err != nil {
		return nil, err
	}
	config, err := servers.Image.ConfigFile()
	if err != nil {
		return nil, err
	}
	platform := &irv1.Platform{Os: config.OS, Architecture: config.Architecture}
	made := &irv1.ImageConfig{Env: config.Config.Env, Cmd: config.Config.Cmd}
	for key, value := range config.Config.Labels {
		made.Labels = append(made.Labels, &irv1.KeyValue{Key: key, Value: value})
	}
	return &images{dir: dir, base: &ir.FetchedImage{Digest: digest.String(), Platform: platform, Config: made}}, nil
}
