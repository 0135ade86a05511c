// SPDX-License-Identifier: Apache-2.0

package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Made is what a step made.
type Made struct {
	// Layer is the digest of the layer. Empty when the step changed nothing.
	Layer string `json:"digest"`
	// Size is that of its tar in bytes.
	Size int64 `json:"size"`
}

// stepPath is where a key's file is.
func (f *Folder) stepPath(key string) string {
	return filepath.Join(f.dir, "steps", key[:2], key[2:])
}

// fresh is how long the use of a step is not noted again.
const fresh = time.Hour

// Known says what a step made, if that is still there.
func (f *Folder) Known(key string) (m Made, ok bool) {
	path := f.stepPath(key)
	m, ok = readMade(path)
	if !ok || m.Layer != "" && !f.Layers.Has(m.Layer) {
		return Made{}, false
	}
	if info, err := os.Stat(path); err == nil && away(info.ModTime()) > fresh {
		now := time.Now()
		_ = os.Chtimes(path, now, now) // at worst the step is carried out once more
	}
	return m, true
}

// Remember notes what a step made.
func (f *Folder) Remember(key string, m Made) error {
	path := f.stepPath(key)
	text := fmt.Appendf(nil, "%s %d\n", orDash(m.Layer), m.Size)
	err := write(path, text)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(filepath.Dir(path), 0o700); err == nil {
			err = write(path, text)
		}
	}
	if err != nil {
		return fmt.Errorf("remembering a step: %w", err)
	}
	return nil
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// readMade reads a key's file. One that cannot be understood counts as none.
func readMade(path string) (m Made, ok bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Made{}, false
	}
	if n, err := fmt.Sscanf(string(text), "%s %d\n", &m.Layer, &m.Size); n != 2 || err != nil {
		return Made{}, false
	}
	if m.Layer == "-" {
		m.Layer = ""
	}
	return m, true
}
