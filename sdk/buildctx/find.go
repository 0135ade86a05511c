// SPDX-License-Identifier: Apache-2.0

package buildctx

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// IgnoreName is the ignore file at the root of a context. With the build file's
// name in front, it is the ignore file of that build file alone.
const IgnoreName = ".dockerignore"

// FindIgnore reads the ignore file of a build: "<build file>.dockerignore"
// beside the build file when there is one, even an empty one, else
// ".dockerignore" in the context. buildFile is a path on disk; empty when the
// build file is not one. The result is nil when there is neither.
func FindIgnore(dir, buildFile string) (*Ignore, error) {
	if buildFile != "" {
		g, err := readIgnore(buildFile + IgnoreName)
		if g != nil || err != nil {
			return g, err
		}
	}
	return readIgnore(filepath.Join(dir, IgnoreName))
}

// readIgnore returns nil when there is no such file. Rules name the file by the
// last part of its path.
func readIgnore(file string) (*Ignore, error) {
	text, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return nil, nil
	case errors.Is(err, syscall.EISDIR):
		return nil, fmt.Errorf("ignore file %q is a folder; remove or rename it", file)
	case err != nil:
		return nil, fmt.Errorf("reading ignore file: %w", err)
	}
	return ParseIgnore(filepath.Base(file), text)
}
