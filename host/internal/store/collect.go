// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// NotInstalledError says that nothing installed has an id.
type NotInstalledError struct {
	// ID is what was asked for.
	ID string
}

// Error says so.
func (e *NotInstalledError) Error() string { return "it is not installed" }

// NoPreviousError says that there is nothing to go back to.
type NoPreviousError struct {
	// ID is the plugin.
	ID string
}

// Error says so.
func (e *NoPreviousError) Error() string { return "no earlier version of it is kept" }

// Previous returns the release that Rollback would make the current one.
func (s *Shelf) Previous(id string) (*Plugin, error) {
	x, err := s.read()
	if err != nil {
		return nil, err
	}
	return s.previous(x, id)
}

func (s *Shelf) previous(x *index, id string) (*Plugin, error) {
	slots, there := x.Plugins[id]
	switch {
	case !there:
		return nil, &NotInstalledError{ID: id}
	case slots.Previous == "" || !s.has(slots.Previous):
		return nil, &NoPreviousError{ID: id}
	}
	return s.load(id, slots.Previous), nil
}

// Current returns the release that counts where no lock file pins another; nil
// when none is installed.
func (s *Shelf) Current(id string) (*Plugin, error) {
	x, err := s.read()
	if err != nil {
		return nil, err
	}
	slots, there := x.Plugins[id]
	if !there {
		return nil, nil
	}
	return s.load(id, slots.Current), nil
}

// Get returns a release by the digest of its manifest; nil when it is not on
// the shelf.
func (s *Shelf) Get(id, digest string) *Plugin {
	if !s.has(digest) {
		return nil
	}
	return s.load(id, digest)
}

// Rollback makes the previous release the current one, and the other way round.
func (s *Shelf) Rollback(ctx context.Context, id string) error {
	return s.update(ctx, func(x *index) error {
		if _, err := s.previous(x, id); err != nil {
			return err
		}
		old := x.Plugins[id]
		x.Plugins[id] = slots{Current: old.Previous, Previous: old.Current}
		return nil
	})
}

// Remove takes plugins off the shelf, with all their releases. What still runs
// keeps its files until it ends. Nothing is removed when one is not installed.
func (s *Shelf) Remove(ctx context.Context, ids ...string) error {
	err := s.locked(ctx, func(x *index) error {
		gone := map[string]bool{}
		for _, id := range ids {
			old, there := x.Plugins[id]
			if !there {
				return fmt.Errorf("plugin %s: %w", id, &NotInstalledError{ID: id})
			}
			gone[old.Current], gone[old.Previous] = true, true
		}
		maps.DeleteFunc(x.Plugins, func(id string, _ slots) bool { return slices.Contains(ids, id) })
		if err := s.write(x); err != nil {
			return err
		}
		return s.forget(func(id, digest string) bool { return gone[digest] || slices.Contains(ids, id) })
	})
	if err == nil {
		s.sweep(ctx)
	}
	return err
}

// forget removes the records of releases, which makes them go: after the index
// has been written, so that readers find no gap. The id is "" where the record
// cannot be read. The lock is held.
func (s *Shelf) forget(which func(id, digest string) bool) error {
	records, err := filepath.Glob(s.path(releasesName, "*"+recordSuffix))
	if err != nil {
		return err
	}
	for _, file := range records {
		digest := "sha256:" + strings.TrimSuffix(filepath.Base(file), recordSuffix)
		id := ""
		if r, err := s.record(digest); err == nil {
			id = r.ID
		}
		if which(id, digest) {
			if err := os.Remove(file); err != nil {
				return err
			}
		}
	}
	return nil
}

// unusedFor is how long a release is kept that is neither the current nor the
// previous one of its plugin: a project's lock file may pin it.
const unusedFor = 30 * 24 * time.Hour

// Collect removes releases that were not used for long and what is left of
// interrupted installs.
func (s *Shelf) Collect(ctx context.Context) error {
	if _, err := os.Stat(s.dir); err != nil {
		return nil // nothing was ever installed
	}
	err := s.locked(ctx, func(x *index) error {
		kept := map[string]bool{}
		for _, slots := range x.Plugins {
			kept[slots.Current], kept[slots.Previous] = true, true
		}
		return s.forget(func(_, digest string) bool { return !kept[digest] && s.unused(digest) })
	})
	s.sweep(ctx)
	return err
}

// unused says whether a release was not used for long.
func (s *Shelf) unused(digest string) bool {
	for _, file := range []string{lockSuffix, recordSuffix} {
		info, err := os.Stat(s.release(digest) + file)
		if err == nil && time.Since(info.ModTime()) < unusedFor {
			return false
		}
	}
	return true
}

// Used notes that an installed plugin is used, once a day at most, or when what
// was noted is in the future, since the clock was wrong.
func (p *Plugin) Used() {
	file := p.Lock()
	if file == "" {
		return
	}
	now := time.Now()
	info, err := os.Stat(file)
	switch {
	case err != nil:
		_ = os.WriteFile(file, nil, 0o600)
	case now.Sub(info.ModTime()).Abs() > 24*time.Hour:
		_ = os.Chtimes(file, now, now)
	}
}

// sweep removes folders that are on their way in or out and that nobody holds.
// It is a courtesy: what cannot be removed now can be later.
func (s *Shelf) sweep(ctx context.Context) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return
	}
	defer unlock()
	incoming, _ := os.ReadDir(s.path(incomingName))
	for _, e := range incoming {
		// Of what was interrupted at its very end only the lock file is left.
		dir := s.path(incomingName, strings.TrimSuffix(e.Name(), lockSuffix))
		removeUnlocked(dir, strings.TrimSuffix(dir, oldSuffix)+lockSuffix)
	}
	for _, dir := range subfolders(s.path(releasesName)) {
		if _, err := os.Stat(dir + recordSuffix); err != nil {
			removeUnlocked(dir, dir+lockSuffix)
		}
	}
}

// subfolders returns the folders in a folder.
func subfolders(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var found []string
	for _, e := range entries {
		if e.IsDir() {
			found = append(found, filepath.Join(dir, e.Name()))
		}
	}
	return found
}

// removeUnlocked removes a folder and its lock file, unless that is held.
func removeUnlocked(dir, lock string) {
	l := flock.New(lock, flock.SetPermissions(0o600))
	if ok, err := l.TryLock(); err != nil || !ok {
		return
	}
	if os.RemoveAll(dir) == nil {
		_ = os.Remove(lock)
	}
	_ = l.Close()
}
