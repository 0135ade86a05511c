// SPDX-License-Identifier: Apache-2.0

// Package lockfile reads and writes zlayer.lock, which pins the plugins of a
// project. It is committed to the project's repository, so its bytes depend on
// nothing but the pins, and a pin is the same for every machine.
package lockfile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/zlayer/zlayer/host/internal/atomicfile"
	"github.com/zlayer/zlayer/sdk/manifest"
	"github.com/zlayer/zlayer/sdk/strictjson"
)

// Name is the name of a lock in a project's folder.
const Name = "zlayer.lock"

// Schema is the version of the format.
const Schema = 1

// MaxSize is the largest lock in bytes.
const MaxSize = 4 << 20

// File is what a lock holds.
type File struct {
	// Schema is the version of the format: 1.
	Schema int `json:"schema"`
	// Plugins are the pins, sorted by id.
	Plugins []Entry `json:"plugins"`
}

// Entry pins one plugin.
type Entry struct {
	// ID, Version and Kind are the plugin's.
	ID      string        `json:"id"`
	Version string        `json:"version"`
	Kind    manifest.Kind `json:"kind"`
	// Source is what the user asked for, and Resolved what that was: a
	// reference with a digest, a URL or a path. Neither holds credentials.
	Source   string `json:"source"`
	Resolved string `json:"resolved"`
	// Manifest is the digest of zlayer-plugin.json. It pins the plugin on
	// every platform.
	Manifest string `json:"manifest"`
	// Protocol is the range of protocol versions of the hosts that can use
	// the plugin: ">=1.0 <2".
	Protocol string `json:"protocol"`
	// Files are the plugin's files on every platform, for people and for
	// tools: the manifest pins them.
	Files []Artifact `json:"files"`
	// Permissions and Environment are those of the manifest that the user
	// has accepted.
	Permissions *manifest.Permissions `json:"permissions,omitempty"`
	Environment []string              `json:"environment,omitempty"`
	// Development marks a plugin that was installed from a folder. Nobody
	// else can get it.
	Development bool `json:"development,omitempty"`
}

// Artifact is one file of a plugin.
type Artifact struct {
	// Platform is "os/arch", or Any.
	Platform string `json:"platform"`
	// Path is where it is in the plugin's folder.
	Path string `json:"path"`
	// Digest is "sha256:…" of it.
	Digest string `json:"digest"`
}

// Any is the platform of files that every platform uses.
const Any = "any"

// Find returns the path of the nearest lock in dir or above it, or "".
func Find(dir string) string {
	for {
		path := filepath.Join(dir, Name)
		if _, err := os.Lstat(path); err == nil {
			return path
		}
		parent := filepath.Dir(dir)
		if parent == dir || dir == "" {
			return ""
		}
		dir = parent
	}
}

// Entry returns the pin of a plugin, if any.
func (f *File) Entry(id string) (Entry, bool) {
	i, ok := f.search(id)
	if !ok {
		return Entry{}, false
	}
	return f.Plugins[i], true
}

// Put pins a plugin, in place of an older pin of it.
func (f *File) Put(e Entry) {
	i, ok := f.search(e.ID)
	if ok {
		f.Plugins[i] = e
		return
	}
	f.Plugins = slices.Insert(f.Plugins, i, e)
}

// Drop removes the pin of a plugin, and says whether there was one.
func (f *File) Drop(id string) bool {
	i, ok := f.search(id)
	if ok {
		f.Plugins = slices.Delete(f.Plugins, i, i+1)
	}
	return ok
}

func (f *File) sort() {
	slices.SortFunc(f.Plugins, func(a, b Entry) int { return strings.Compare(a.ID, b.ID) })
}

func (f *File) search(id string) (int, bool) {
	return slices.BinarySearchFunc(f.Plugins, id, func(e Entry, id string) int { return strings.Compare(e.ID, id) })
}

// Write replaces the lock at path, mode 0644, all or nothing. It leaves a file
// alone that holds the same already, and writes nothing that Read would refuse.
func (f *File) Write(path string) error {
	whole := &File{Schema: Schema, Plugins: append([]Entry{}, f.Plugins...)}
	whole.sort()
	if err := whole.check(path); err != nil {
		return err
	}
	data, err := strictjson.Format(whole)
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, data) {
		return nil
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := atomicfile.WriteMode(path, data, 0o644); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}
