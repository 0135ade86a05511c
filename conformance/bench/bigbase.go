// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"log"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

const (
	bigLayers    = 5
	bigLayerSize = 100e6
	smallSize    = 10e6
	bigRounds    = 3
)

// bigBase measures the driver "none": an image of 500 MB and a COPY of 10 MB
// onto it, when the image is used for the first time and after that. How much
// the backend wrote says that the image was not unpacked.
func bigBase(ctx context.Context, dir string) ([]row, error) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	reference := strings.TrimPrefix(server.URL, "http://") + "/big:1"
	if err := pushBig(reference); err != nil {
		return nil, err
	}
	from := "FROM " + reference + "\n"
	only, err := dockerfile(filepath.Join(dir, "only"), from+"LABEL a=b\n")
	if err != nil {
		return nil, err
	}
	onto, err := dockerfile(filepath.Join(dir, "onto"), from+"COPY payload /srv/\n")
	if err != nil {
		return nil, err
	}
	build := func(state, context string) *exec.Cmd {
		cmd := zlayer(ctx, state, "build", "--backend", "sandbox-backend", "--progress", "quiet", "--no-cache", context)
		cmd.Env = append(cmd.Env, "SANDBOX_BACKEND_DRIVER=none")
		return cmd
	}
	var first, again []time.Duration
	var wrote int64
	for n := range bigRounds {
		state := filepath.Join(dir, fmt.Sprint("state", n))
		if err := runQuiet(build(state, only)); err != nil { // fetches the image
			return nil, err
		}
		for _, times := range []*[]time.Duration{&first, &again} {
			if err := payload(onto); err != nil {
				return nil, err
			}
			t, err := timed(build(state, onto))
			if err != nil {
				return nil, err
			}
			*times = append(*times, t)
			if times == &first {
				wrote = sizeOf(filepath.Join(state, "backends", "sandbox-backend"))
			}
		}
		if err := os.RemoveAll(state); err != nil {
			return nil, err
		}
	}
	return []row{
		{"FROM 500 MB, COPY 10 MB, without commands", "", ""},
		{"  the first time, with the index of the image", fmt.Sprintf("%.0f ms", ms(median(first))), "≤ 1000 ms"},
		{"  after that", fmt.Sprintf("%.0f ms", ms(median(again))), ""},
		{"  written by the backend the first time", fmt.Sprintf("%.1f MB", float64(wrote)/1e6), "≤ 12 MB"},
	}, nil
}

// dockerfile makes a context of one Dockerfile.
func dockerfile(dir, text string) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	return dir, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(text), 0o644)
}

// payload writes a new file to copy.
func payload(dir string) error {
	return os.WriteFile(filepath.Join(dir, "payload"), noise(smallSize, rand.Uint64()), 0o644)
}

// noise is data of which about half can be compressed away, as in programs.
func noise(size int, seed uint64) []byte {
	var key [32]byte
	copy(key[:], fmt.Sprint(seed))
	data := make([]byte, size)
	rand.NewChaCha8(key).Read(data) //nolint:errcheck // it never fails
	for i := range data {
		data[i] &= 0x1f << (i % 3) // five bits of eight
	}
	return data
}

// sizeOf is the size of all files below a folder.
func sizeOf(dir string) (sum int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // it is gone
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			sum += info.Size()
		}
		return nil
	})
	return sum
}

// pushBig pushes an image of five layers.
func pushBig(reference string) error {
	files, err := toolchain()
	if err != nil {
		return err
	}
	image := empty.Image
	for n := range bigLayers {
		data, err := bigLayer(files, n)
		if err != nil {
			return err
		}
		layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil })
		if err != nil {
			return err
		}
		if image, err = mutate.AppendLayers(image, layer); err != nil {
			return err
		}
	}
	ref, err := name.ParseReference(reference, name.Insecure)
	if err != nil {
		return err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return err
	}
	config.OS, config.Architecture = "linux", "amd64"
	if image, err = mutate.ConfigFile(image, config); err != nil {
		return err
	}
	return remote.Write(ref, image)
}

// bigLayer makes a layer of real programs, libraries and texts: files of the Go
// toolchain, from the nth on and over again until there is enough.
func bigLayer(files []string, n int) ([]byte, error) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for i := 0; buf.Len() < bigLayerSize; i++ {
		content, err := os.ReadFile(files[(n*len(files)/bigLayers+i)%len(files)])
		if err != nil {
			return nil, err
		}
		h := &tar.Header{Name: fmt.Sprintf("data/%d/%d", n, i), Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(content))}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write(content); err != nil {
			return nil, err
		}
	}
	return buf.Bytes(), w.Close()
}

// toolchain lists the files of the Go toolchain.
func toolchain() (files []string, err error) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("go env GOROOT: %w", err)
	}
	err = filepath.WalkDir(strings.TrimSpace(string(root)), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			files = append(files, path)
		}
		return err
	})
	return files, err
}
