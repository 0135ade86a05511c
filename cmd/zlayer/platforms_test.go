// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/zlayer/zlayer/host"
)

// Who prunes while one of several platforms is built has to wait: the images
// that are there have no name yet.
func TestPruneBetweenPlatforms(t *testing.T) {
	root := repository(t)
	h, err := host.Open(host.Config{
		DataDir: t.TempDir(), BundleDir: filepath.Join(root, "bin", "plugins"), Environ: append(os.Environ(), "SANDBOX_BACKEND_DRIVER=none"),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	var waited error
	r := host.Request{
		Source: host.Source{Name: "Dockerfile", Content: []byte("FROM scratch\nLABEL a=b\n")}, Context: host.Context{Folder: t.TempDir()},
		Platforms: []string{"linux/amd64", "linux/arm64", "linux/arm64"}, Backend: "sandbox-backend", Tags: []string{"app:1"},
		Events: func(e host.Event) {
			if e.Type == host.EventBuilt {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
				defer cancel()
				_, waited = h.Prune(ctx, host.PruneOptions{All: true})
			}
		},
	}
	result, err := h.Build(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if !errors.Is(waited, context.DeadlineExceeded) {
		t.Errorf("prune did not wait: %v", waited)
	}
	if len(result.Images) != 2 || result.Images[1].Platform != "linux/arm64" {
		t.Errorf("the images are %+v", result.Images)
	}
	if _, err := h.Prune(t.Context(), host.PruneOptions{}); err != nil {
		t.Error(err)
	}
	all, err := h.Images(t.Context())
	if err != nil || len(all) != 1 || len(all[0].Images) != 2 || all[0].Digest != result.Digest {
		t.Errorf("the store has %+v, %v", all, err)
	}
}
