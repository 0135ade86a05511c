// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/zlayer/zlayer/conformance/vectors"
)

// MissingError says that this machine lacks what the base image is made of.
type MissingError struct {
	// Err is the cause.
	Err error
}

// Error says what to install.
func (e *MissingError) Error() string { return "install busybox-static: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *MissingError) Unwrap() error { return e.Err }

// busybox is where Debian and its kin have a static busybox.
const busybox = "/bin/busybox"

// base makes the image that conformance/vectors/README.md describes.
func base() (v1.Image, error) {
	tars, err := vectors.Layers(busybox)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &MissingError{err}
	}
	if err != nil {
		return nil, err
	}
	image := empty.Image
	for _, data := range tars {
		layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil })
		if err != nil {
			return nil, fmt.Errorf("making the base image: %w", err)
		}
		if image, err = mutate.AppendLayers(image, layer); err != nil {
			return nil, fmt.Errorf("making the base image: %w", err)
		}
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("making the base image: %w", err)
	}
	config.OS, config.Architecture = "linux", runtime.GOARCH
	config.Config = v1.Config{Env: []string{"PATH=/usr/bin:/bin", "BASED=yes"}, Cmd: []string{"sh"}, Labels: map[string]string{"base": "1"}}
	return mutate.ConfigFile(image, config)
}
