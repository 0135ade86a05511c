// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"time"
)

// ownTime is what the commands of the example take by themselves: each is run
// as the builders run it, in the files of the base image.
func ownTime(ctx context.Context, root, example string) (time.Duration, error) {
	text, err := os.ReadFile(filepath.Join(example, "Dockerfile"))
	if err != nil {
		return 0, err
	}
	if err := unpackBase(root); err != nil {
		return 0, err
	}
	var times []time.Duration
	for n := range buildRounds {
		sum, err := runAll(ctx, root, fmt.Sprintf("/round%d", n), example, text)
		if err != nil {
			return 0, err
		}
		times = append(times, sum)
	}
	return median(times), nil
}

// command finds the commands.
var command = regexp.MustCompile(`(?m)^RUN (.*)$`)

// runAll runs the commands of a Dockerfile. The stages share one root, in which
// the folders of the example do not collide; what a COPY brings is there from
// the start.
func runAll(ctx context.Context, root, work, example string, text []byte) (sum time.Duration, err error) {
	at := filepath.Join(root, work)
	if err := os.CopyFS(at, os.DirFS(filepath.Join(example, "src"))); err != nil {
		return 0, err
	}
	if err := copyFile(filepath.Join(root, "bin", "count"), filepath.Join(example, "src", "count.sh")); err != nil {
		return 0, err
	}
	if err := os.MkdirAll(filepath.Join(at, "bin"), 0o755); err != nil {
		return 0, err
	}
	if err := copyFile(filepath.Join(at, "bin", "count"), filepath.Join(example, "src", "count.sh")); err != nil {
		return 0, err
	}
	for _, m := range command.FindAllSubmatch(text, -1) {
		cmd := exec.CommandContext(ctx, "chroot", root, "/bin/busybox", "sh", "-c", "cd "+work+" && "+string(m[1]))
		cmd.Env = []string{"PATH=/bin", "VERSION=dev"}
		t, err := timed(cmd)
		if err != nil {
			return 0, err
		}
		sum += t
	}
	return sum, nil
}

func copyFile(to, from string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o755)
}

// unpackBase writes the files of the base image into a folder.
func unpackBase(root string) error {
	data, err := baseTar()
	if err != nil {
		return err
	}
	for t := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := unpackOne(filepath.Join(root, h.Name), h, t); err != nil {
			return err
		}
	}
}

func unpackOne(path string, h *tar.Header, content io.Reader) error {
	switch h.Typeflag {
	case tar.TypeDir:
		return os.MkdirAll(path, 0o755)
	case tar.TypeSymlink:
		return os.Symlink(h.Linkname, path)
	}
	data, err := io.ReadAll(content)
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o755)
}
