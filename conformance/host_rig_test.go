// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/zlayer/zlayer/conformance/vectors"
	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// hostRig has what the tests of hosts share: the hostile frontend, and a state
// folder where it is translated already.
type hostRig struct {
	module  []byte
	plugins string
	state   string
}

func newHostRig(t *testing.T) *hostRig {
	t.Helper()
	file := filepath.Join(t.TempDir(), "hostile.wasm")
	cmd := exec.Command("go", "build", "-ldflags=-s -w", "-o", file, "./zoo/hostile")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building the hostile frontend: %v\n%s", err, text)
	}
	module, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	r := &hostRig{module: module, plugins: t.TempDir(), state: t.TempDir()}
	writePlugin(t, r.plugins, module)
	if err := r.open(t, &vectors.Host{}).Compile(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

// open opens a host with the hostile frontend, spoilt as the vector says.
func (r *hostRig) open(t *testing.T, v *vectors.Host) *host.Host {
	t.Helper()
	plugins := r.plugins
	if v.Module != "" {
		plugins = t.TempDir()
		r.spoil(t, plugins, v.Module)
	}
	h, err := host.Open(host.Config{DataDir: r.state, PluginDirs: []string{plugins}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// spoil writes the plugin with something wrong about its module.
func (r *hostRig) spoil(t *testing.T, plugins, how string) {
	t.Helper()
	if how == "text" {
		writePlugin(t, plugins, []byte("no module\n"))
		return
	}
	writePlugin(t, plugins, r.module)
	file := filepath.Join(plugins, "hostile", "hostile.wasm")
	err := os.Remove(file)
	if how == "changed" {
		// A custom section without a name: still a good module.
		err = os.WriteFile(file, append(bytes.Clone(r.module), 0, 1, 0), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// writePlugin writes the plugin "hostile", sealed.
func writePlugin(t *testing.T, plugins string, module []byte) {
	t.Helper()
	digest, err := manifest.Digest(bytes.NewReader(module))
	if err != nil {
		t.Fatal(err)
	}
	m, err := manifest.Format(&manifest.Manifest{
		Schema: 1, ID: "hostile", Kind: manifest.Frontend, Version: "1.0.0",
		Protocol: manifest.Protocol{Major: 1},
		Files:    []manifest.File{{Path: "hostile.wasm", Digest: digest, Role: "main"}},
		Claims:   &manifest.Claims{Files: []string{"Hostile"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(plugins, "hostile")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{manifest.FileName: m, "hostile.wasm": module} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
