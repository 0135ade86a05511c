// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/zlayer/zlayer/host/internal/atomicfile"
)

// Names on a shelf.
const (
	indexName    = "index.json"
	lockName     = ".lock"
	incomingName = ".incoming"
	releasesName = "releases"
	recordSuffix = ".json"
	lockSuffix   = ".lock"
	oldSuffix    = ".old"
)

// Shelf is the folder of installed plugins. A release has a folder,
// releases/<digest>, a record beside it that says where it came from, and a
// file that is locked while it runs. The index says which release of a plugin
// is the current one. A folder without a record is not there: it is on its way
// in or out.
//
// Writers hold a lock; readers need none. Several processes may use one shelf.
type Shelf struct{ dir string }

// OpenShelf returns the shelf in a folder. Nothing is made until something is
// written.
func OpenShelf(dir string) *Shelf { return &Shelf{dir: dir} }

// index is which releases are used.
type index struct {
	Schema  int              `json:"schema"`
	Plugins map[string]slots `json:"plugins"`
}

// slots are the releases of one plugin, by manifest digest.
type slots struct {
	Current  string `json:"current"`
	Previous string `json:"previous,omitempty"`
}

// indexSchema is the version of the index's format.
const indexSchema = 1

// Record says where a release came from.
type Record struct {
	// ID and Version are the plugin's.
	ID      string `json:"id"`
	Version string `json:"version"`
	// Source is what the user named; "" where a lock file did.
	Source string `json:"source"`
	// Resolved is where exactly it was found.
	Resolved string `json:"resolved"`
	// Development says that it was a plain folder on this machine.
	Development bool `json:"development,omitempty"`
	// Subject is the digest that signatures are over: of the OCI manifest, or
	// of the archive. Empty for a development install.
	Subject string `json:"subject,omitempty"`
	// Statement is the OCI manifest, which names the plugin's manifest. Empty
	// when the subject is an archive.
	Statement []byte `json:"statement,omitempty"`
	// Bundles are the signatures.
	Bundles []json.RawMessage `json:"bundles,omitempty"`
	// Added is when.
	Added time.Time `json:"added"`
}

// path returns a path on the shelf.
func (s *Shelf) path(elem ...string) string {
	return filepath.Join(append([]string{s.dir}, elem...)...)
}

// release returns the folder of a release.
func (s *Shelf) release(digest string) string {
	return s.path(releasesName, strings.TrimPrefix(digest, "sha256:"))
}

// read reads the index. A missing one is empty. The error is an *IndexError.
func (s *Shelf) read() (*index, error) {
	x := &index{Schema: indexSchema, Plugins: map[string]slots{}}
	data, err := os.ReadFile(s.path(indexName))
	if errors.Is(err, fs.ErrNotExist) {
		return x, nil
	}
	if err != nil {
		return nil, &IndexError{Message: "the list of installed plugins cannot be read", Help: "check the permissions of the state folder, or choose another with --data-dir", Err: err}
	}
	if err := json.Unmarshal(data, x); err != nil {
		return nil, &IndexError{
			Message: "the list of installed plugins, " + s.path(indexName) + ", is damaged",
			Help:    "remove it, and add the plugins again, those of a project with zlayer plugin add --locked", Err: err,
		}
	}
	if x.Schema != indexSchema {
		return nil, &IndexError{
			Message: fmt.Sprintf("the list of installed plugins, %s, has schema %d, and this zlayer reads %d", s.path(indexName), x.Schema, indexSchema),
			Help:    "use the zlayer that wrote it, or choose another state folder with --data-dir",
		}
	}
	if x.Plugins == nil {
		x.Plugins = map[string]slots{}
	}
	return x, nil
}

// write replaces the index. The lock is held.
func (s *Shelf) write(x *index) error {
	data, err := json.MarshalIndent(x, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(s.path(indexName), append(data, '\n'))
}

// locked does something with the index under the lock.
func (s *Shelf) locked(ctx context.Context, work func(*index) error) error {
	return s.Alone(ctx, func() error {
		x, err := s.read()
		if err != nil {
			return err
		}
		return work(x)
	})
}

// Alone does something while no other process changes plugins.
func (s *Shelf) Alone(ctx context.Context, work func() error) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	return work()
}

// update changes the index under the lock.
func (s *Shelf) update(ctx context.Context, change func(*index) error) error {
	return s.locked(ctx, func(x *index) error {
		if err := change(x); err != nil {
			return err
		}
		return s.write(x)
	})
}

// lock keeps other writers out.
func (s *Shelf) lock(ctx context.Context) (unlock func(), err error) {
	if err := os.MkdirAll(s.path(releasesName), 0o700); err != nil {
		return nil, err
	}
	l := flock.New(s.path(lockName), flock.SetPermissions(0o600))
	_, err = l.TryLockContext(ctx, 10*time.Millisecond)
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("waiting for another zlayer that changes plugins: %w", err)
	}
	return func() { _ = l.Unlock() }, err
}

// rereads is how often a reader begins again because of writers.
const rereads = 10

// find returns the release that counts of each installed plugin: the pinned
// one where it is there, else the current one. When one goes while it is read,
// the index no longer has it, and is read again.
func (s *Shelf) find(pins Pins) ([]*Plugin, error) {
	x, err := s.read()
	for range rereads {
		if err != nil {
			return nil, err
		}
		found, whole := s.chosen(x, pins)
		if whole {
			return found, nil
		}
		before := x.Plugins
		if x, err = s.read(); err == nil && maps.Equal(before, x.Plugins) {
			return found, nil // it is not there, and nobody took it away just now
		}
	}
	found, _ := s.chosen(x, pins)
	return found, nil
}

// chosen loads what find returns, and says whether all of it was there.
func (s *Shelf) chosen(x *index, pins Pins) (found []*Plugin, whole bool) {
	chosen := map[string]string{}
	for id, slots := range x.Plugins {
		chosen[id] = slots.Current
	}
	for _, pin := range pins.List {
		if s.has(pin.Digest) {
			chosen[pin.ID] = pin.Digest
		}
	}
	whole = true
	for _, id := range slices.Sorted(maps.Keys(chosen)) {
		found = append(found, s.load(id, chosen[id]))
		whole = whole && s.has(chosen[id])
	}
	return found, whole
}

// has says whether a release is there.
func (s *Shelf) has(digest string) bool {
	_, err := os.Stat(s.release(digest) + recordSuffix)
	return err == nil
}

// load reads a release.
func (s *Shelf) load(id, digest string) *Plugin {
	p := load(s.release(digest), Installed)
	record, err := s.record(digest)
	p.Record = record
	switch {
	case err != nil && p.Problem == nil:
		p.Problem = err
	case p.Digest != "" && p.Digest != digest:
		p.Problem = fmt.Errorf("its manifest was changed after it was installed: expected %s, got %s", digest, p.Digest)
	}
	if p.Manifest == nil {
		p.ID = id
	}
	return p
}

// record reads the record of a release.
func (s *Shelf) record(digest string) (*Record, error) {
	data, err := os.ReadFile(s.release(digest) + recordSuffix)
	if err != nil {
		return nil, fmt.Errorf("its record cannot be read: %w", err)
	}
	r := &Record{}
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("its record %s cannot be read: %w", s.release(digest)+recordSuffix, err)
	}
	return r, nil
}

// IDs lists the installed plugins, sorted.
func (s *Shelf) IDs() ([]string, error) {
	x, err := s.read()
	if err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(x.Plugins)), nil
}

// Modules returns the digests of the files of all releases, also of those that
// no plugin uses at the moment.
func (s *Shelf) Modules() (map[string]bool, error) {
	digests := map[string]bool{}
	records, err := filepath.Glob(s.path(releasesName, "*"+recordSuffix))
	if err != nil {
		return nil, err
	}
	for _, file := range records {
		p := load(strings.TrimSuffix(file, recordSuffix), Installed)
		if p.Manifest == nil {
			continue
		}
		for _, f := range p.Manifest.Files {
			digests[f.Digest] = true
		}
	}
	return digests, nil
}

// Owns says whether the name of a folder on a shelf is one of the shelf's own.
func Owns(name string) bool { return name == releasesName || name == incomingName }
