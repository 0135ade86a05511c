// SPDX-License-Identifier: Apache-2.0

// Package keys remembers finished builds. A record says what a build read and
// what it made; when all of it is still the same, nothing has to run.
//
// A record is one file, written aside and renamed. One that cannot be read is
// as good as none: the build runs again.
package keys

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/zlayer/zlayer/host/internal/atomicfile"
)

// Record is one finished build.
type Record struct {
	// Backend is the id of the backend that ran.
	Backend string `json:"backend"`
	// Inputs is what the build read from its contexts.
	Inputs []Input `json:"inputs,omitempty"`
	// Reads is what else it read, as the backend said.
	Reads []Read `json:"reads,omitempty"`
	// Result is the digest of the image or artifact in the image store.
	Result string `json:"result"`
	// Handle is the backend's name for what it keeps of the build.
	Handle string `json:"handle,omitempty"`
}

// Artifact is what the backend keeps of the build.
func (r *Record) Artifact() Artifact { return Artifact{r.Backend, r.Handle} }

// Input is files of a context.
type Input struct {
	// Context is the index of the context.
	Context int `json:"context"`
	// Paths are the paths and globs that were read.
	Paths []string `json:"paths"`
	// Digest is that of all they name.
	Digest string `json:"digest"`
}

// Equal reports whether two inputs are the same files with the same content.
func (i Input) Equal(j Input) bool {
	return i.Context == j.Context && i.Digest == j.Digest && slices.Equal(i.Paths, j.Paths)
}

// Read is something outside the contexts.
type Read struct {
	// Kind is "url", "git", "tool" or "env".
	Kind string `json:"kind"`
	// Name is its name.
	Name string `json:"name"`
	// Digest is its digest or version when it was read.
	Digest string `json:"digest"`
}

// Store is a folder of records.
type Store struct{ dir string }

// Open returns the store in a folder, which need not exist.
func Open(dir string) Store { return Store{dir} }

// Key returns the key of a build from everything that decides its result, but
// for what it reads.
func Key(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		// The length keeps ("ab", "c") and ("a", "bc") apart.
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Get returns a record, or nil when there is none.
func (s Store) Get(key string) *Record {
	data, err := os.ReadFile(s.path(key))
	if err != nil {
		return nil
	}
	var r Record
	if json.Unmarshal(data, &r) != nil || r.Result == "" {
		return nil
	}
	return &r
}

// Put keeps a record.
func (s Store) Put(key string, r *Record) error {
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("writing build key: %w", err)
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("writing build key: %w", err)
	}
	if err := atomicfile.Write(s.path(key), data); err != nil {
		return fmt.Errorf("writing build key: %w", err)
	}
	return nil
}

func (s Store) path(key string) string { return filepath.Join(s.dir, key+".json") }
