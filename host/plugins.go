// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/zlayer/zlayer/host/internal/atomicfile"
	"github.com/zlayer/zlayer/host/internal/store"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// Plugin is a plugin that the host found.
type Plugin struct {
	// ID is its id; the folder's name when its manifest cannot be read.
	ID string `json:"id"`
	// Version is its version.
	Version string `json:"version,omitempty"`
	// Kind is "frontend" or "backend".
	Kind string `json:"kind,omitempty"`
	// Protocol is the version of the protocol it speaks, "major.minor".
	Protocol string `json:"protocol,omitempty"`
	// Summary is one line.
	Summary string `json:"summary,omitempty"`
	// Origin is "bundle", "installed" or "plugin-dir".
	Origin string `json:"origin"`
	// Path is its folder.
	Path string `json:"path"`
	// Problem says why it cannot be used. Empty when it can.
	Problem string `json:"problem,omitempty"`
}

// Plugins lists all plugins, also those that cannot be used, sorted by id.
func (h *Host) Plugins() []Plugin {
	list := []Plugin{}
	for _, p := range h.plugins.All() {
		list = append(list, describePlugin(p))
	}
	return list
}

func describePlugin(p *store.Plugin) Plugin {
	out := Plugin{ID: p.ID, Origin: string(p.Origin), Path: p.Dir}
	if m := p.Manifest; m != nil {
		out.Version, out.Kind, out.Summary = m.Version, string(m.Kind), m.Summary
		out.Protocol = fmt.Sprintf("%d.%d", m.Protocol.Major, m.Protocol.Minor)
	}
	if p.Problem != nil {
		out.Problem = p.Problem.Error()
	}
	return out
}

// Compiling reports whether a frontend is being translated to machine code in
// the background, as after the first call of one that is not in the compile
// cache. The work is lost when the process ends now.
func (h *Host) Compiling() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.runner != nil && h.runner.Compiling()
}

// Compile fills the compile cache of every usable frontend.
func (h *Host) Compile(ctx context.Context) error {
	for _, p := range h.plugins.All() {
		if p.Problem != nil || p.Manifest.Kind != manifest.Frontend {
			continue
		}
		if err := h.compile(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

func (h *Host) compile(ctx context.Context, p *store.Plugin) error {
	file, digest, err := p.Main()
	if err != nil {
		return &PluginError{ID: p.ID, Message: "it cannot be used", Err: err}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	runner, err := h.wasm()
	if err != nil {
		return err
	}
	if err := runner.Precompile(ctx, file, digest); err != nil {
		return frontendError(ctx, p, err)
	}
	return nil
}

// Seal completes the manifest of a plugin being built: it writes the digest of
// each file and, for the files of a backend without a platform, this machine's.
func Seal(dir string) error {
	path := filepath.Join(dir, manifest.FileName)
	data, err := os.ReadFile(path)
	if err != nil {
		return &InputError{Message: "cannot read the manifest " + path, Help: "every plugin has one", Err: cause(err)}
	}
	m, err := manifest.Parse(data)
	if err != nil {
		return &InputError{Message: "the manifest " + path + " is not valid", Err: err}
	}
	for i := range m.Files {
		if err := sealFile(dir, m.Kind, &m.Files[i]); err != nil {
			return err
		}
	}
	if err := m.Validate(); err != nil {
		return &InputError{Message: "the manifest " + path + " is not valid", Err: err}
	}
	sealed, err := manifest.Format(m)
	if err != nil {
		return fmt.Errorf("writing manifest %s: %w", path, err)
	}
	if err := atomicfile.WriteMode(path, sealed, 0o644); err != nil {
		return fmt.Errorf("writing manifest %s: %w", path, err)
	}
	return nil
}

func sealFile(dir string, kind manifest.Kind, f *manifest.File) error {
	here := runtime.GOOS + "/" + runtime.GOARCH
	if f.Platform != "" && f.Platform != here {
		return nil // another machine's, sealed there
	}
	if kind == manifest.Backend && !strings.HasSuffix(f.Path, ".wasm") {
		f.Platform = here
	}
	file, err := os.Open(filepath.Join(dir, filepath.FromSlash(f.Path)))
	if err != nil {
		return &InputError{Message: "a file of the plugin cannot be read", Help: "build it first", Err: err}
	}
	defer file.Close()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return &InputError{Message: "a file of the plugin cannot be read", Err: err}
	}
	f.Digest = "sha256:" + hex.EncodeToString(h.Sum(nil))
	return nil
}
