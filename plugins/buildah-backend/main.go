// SPDX-License-Identifier: Apache-2.0

// Command buildah-backend is the backend that builds container images with
// the buildah library. This is the server that the host talks to; the building
// is done by the program buildah-backend-worker beside it.
package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/supervisor"
	"github.com/zlayer/zlayer/sdk/backend/serve"
	"github.com/zlayer/zlayer/sdk/manifest"
)

//go:embed manifest.json
var manifestText []byte

// workerName is the worker's file, beside the server's.
const workerName = "buildah-backend-worker"

func main() {
	b, err := newBackend()
	if err != nil {
		fmt.Fprintf(os.Stderr, "buildah-backend: %v\n", err)
		os.Exit(1)
	}
	serve.Main(b)
}

func newBackend() (*supervisor.Backend, error) {
	var m manifest.Manifest
	if err := json.Unmarshal(manifestText, &m); err != nil {
		return nil, fmt.Errorf("reading the embedded manifest: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return &supervisor.Backend{Worker: filepath.Join(filepath.Dir(self), workerName), Features: m.Capabilities.Features}, nil
}
