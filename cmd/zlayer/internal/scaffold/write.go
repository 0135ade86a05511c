// SPDX-License-Identifier: Apache-2.0

package scaffold

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrNotEmpty is the error of a project whose folder has something in it.
var ErrNotEmpty = errors.New("the folder is not empty")

// Write writes files into a folder that does not exist or is empty: all of
// them, or none.
func Write(dir string, files map[string][]byte) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	switch entries, err := os.ReadDir(dir); {
	case len(entries) > 0:
		return ErrNotEmpty
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o777); err != nil {
		return err
	}
	temp, err := os.MkdirTemp(filepath.Dir(dir), ".zlayer-new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	project := filepath.Join(temp, "project") // with the mode that the user's mask gives
	for name, data := range files {
		file := filepath.Join(project, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(file, data, 0o666); err != nil {
			return err
		}
	}
	return move(project, dir)
}

// move puts a folder in the place of another one, which is empty or not there.
func move(from, to string) error {
	if err := os.Rename(from, to); err == nil {
		return nil
	}
	// It is there. It is kept, since a shell may be in it.
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for i, e := range entries {
		if err := os.Rename(filepath.Join(from, e.Name()), filepath.Join(to, e.Name())); err != nil {
			for _, moved := range entries[:i] {
				err = errors.Join(err, os.RemoveAll(filepath.Join(to, moved.Name())))
			}
			return fmt.Errorf("writing the project: %w", err)
		}
	}
	return nil
}
