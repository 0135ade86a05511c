// SPDX-License-Identifier: Apache-2.0

package container

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/zlayer/zlayer/conformance/internal/image"
	"github.com/zlayer/zlayer/conformance/internal/serve"
	"github.com/zlayer/zlayer/conformance/internal/target"
	"github.com/zlayer/zlayer/host"
)

// section is what all cases share. Each part is made when a case first needs
// it.
type section struct {
	target *target.Target
	reader image.Reader
	// place is where builds come from.
	place func() (*place, error)
	// shared are what most cases build with.
	shared hosts

	mu   sync.Mutex
	ends []func()
}

// hosts are opened when a case first needs them.
type hosts struct {
	// declared has the plugin as it is, able one that declares everything.
	declared, able func() (*host.Host, error)
}

// place is where vectors are laid out, and what their builds fetch from.
type place struct {
	root    string
	servers *serve.Servers
	base    *image.Image
}

func newSection(t *target.Target) *section {
	s := &section{target: t}
	s.place = sync.OnceValues(s.openPlace)
	s.shared = s.newHosts()
	return s
}

// newHosts are hosts with state folders of their own.
func (s *section) newHosts() hosts {
	return hosts{
		declared: sync.OnceValues(func() (*host.Host, error) { return s.openHost(s.linked) }),
		able:     sync.OnceValues(func() (*host.Host, error) { return s.openHost(s.declaring) }),
	}
}

func (s *section) openPlace() (*place, error) {
	root, err := s.target.Scratch("vectors")
	if err != nil {
		return nil, err
	}
	// Builds look at the owner and mode of what they copy, not of what is above.
	if err := os.Chmod(root, 0o755); err != nil {
		return nil, err
	}
	p := &place{root: root}
	if p.servers, err = serve.Start(root); err != nil {
		return nil, err
	}
	s.atEnd(p.servers.Close)
	p.base, err = s.reader.Image(p.servers.Image)
	return p, err
}

// openHost opens a host with a state folder of its own, and the plugin that a
// function puts into a folder.
func (s *section) openHost(plugin func(dir string) error) (*host.Host, error) {
	if s.target.Bundle == "" {
		return nil, errors.New("there is no folder with the frontends that read the build files of vectors")
	}
	state, err := s.target.Scratch("state")
	if err != nil {
		return nil, err
	}
	plugins, err := s.target.Scratch("plugins")
	if err != nil {
		return nil, err
	}
	if err := errors.Join(plugin(plugins), s.shareModules(state)); err != nil {
		return nil, err
	}
	h, err := host.Open(host.Config{
		DataDir: state, BundleDir: s.target.Bundle, PluginDirs: []string{plugins}, Environ: s.target.Environ,
	})
	if err != nil {
		return nil, err
	}
	s.atEnd(func() {
		for s.target.Cache != "" && h.Compiling() { // else it is lost
			time.Sleep(20 * time.Millisecond)
		}
		_ = h.Close()
	})
	return h, nil
}

// shareModules has a state folder share translated frontends with all others
// and, when there is a cache, with other runs.
func (s *section) shareModules(state string) error {
	dir := filepath.Join(s.target.Work, "host-wasm")
	if s.target.Cache != "" {
		dir = filepath.Join(s.target.Cache, "host-wasm")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("making the compile cache: %w", err)
	}
	return os.Symlink(dir, filepath.Join(state, "wasm"))
}

// atEnd has a function called when all cases have run.
func (s *section) atEnd(end func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ends = append(s.ends, end)
}

func (s *section) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, end := range s.ends {
		end()
	}
}
