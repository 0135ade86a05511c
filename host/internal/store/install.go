// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"github.com/zlayer/zlayer/host/internal/atomicfile"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// Parcel is a release on its way to the shelf.
type Parcel struct {
	// Manifest is the manifest, Raw its bytes and Digest theirs.
	Manifest *manifest.Manifest
	Raw      []byte
	Digest   string
	// Record says where it came from.
	Record Record
	// Open opens one of its files. What it reads need not be checked.
	Open func(context.Context, manifest.File) (io.ReadCloser, error)
}

// Scratch is a folder for what is on its way. When the process dies, the next
// one that installs something removes it.
type Scratch struct {
	dir  string
	lock *flock.Flock
}

// Scratch makes an empty folder. End it with Discard.
func (s *Shelf) Scratch(ctx context.Context) (*Scratch, error) {
	s.sweep(ctx)
	// Under the lock no sweep sees a folder that is not locked yet.
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	dir := s.path(incomingName, rand.Text())
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	scratch := &Scratch{dir: dir, lock: flock.New(dir+lockSuffix, flock.SetPermissions(0o600))}
	if err := scratch.lock.Lock(); err != nil {
		scratch.Discard()
		return nil, err
	}
	return scratch, nil
}

// Dir is the folder.
func (s *Scratch) Dir() string { return s.dir }

// Discard removes the folder.
func (s *Scratch) Discard() {
	_ = os.RemoveAll(s.dir)
	_ = os.Remove(s.lock.Path())
	_ = s.lock.Close()
}

// Staged is a release whose files are all here and have their digests, but
// which nobody sees yet.
type Staged struct {
	*Scratch
	shelf  *Shelf
	parcel Parcel
	// held is a lock on the files that the shelf has already. Nil when it has
	// none.
	held *flock.Flock
}

// Stage brings the files of a release for this machine to the shelf. End it
// with Put or Discard. The error is a *manifest.ChecksumError when a file is
// another one.
//
// What the shelf has already, unharmed, is not fetched again.
func (s *Shelf) Stage(ctx context.Context, p Parcel) (*Staged, error) {
	scratch, err := s.Scratch(ctx)
	if err != nil {
		return nil, err
	}
	staged := &Staged{Scratch: scratch, shelf: s, parcel: p, held: s.hold(p)}
	if staged.held != nil {
		return staged, nil
	}
	if err := staged.fill(ctx); err != nil {
		staged.Discard()
		return nil, err
	}
	return staged, nil
}

// hold keeps a release on the shelf that is there, unharmed; nil when it is not.
func (s *Shelf) hold(p Parcel) *flock.Flock {
	if !s.sound(p) {
		return nil
	}
	held := flock.New(s.release(p.Digest)+lockSuffix, flock.SetPermissions(0o600))
	if held.RLock() == nil && s.sound(p) {
		return held
	}
	_ = held.Close()
	return nil
}

// sound says whether the shelf has a release, unharmed.
func (s *Shelf) sound(p Parcel) bool {
	there := s.Get(p.Manifest.ID, p.Digest)
	return there != nil && there.Problem == nil && there.Verify() == nil
}

// Discard ends the work with it.
func (s *Staged) Discard() {
	if s.held != nil {
		_ = s.held.Close()
	}
	s.Scratch.Discard()
}

// fill writes manifest and files.
func (s *Staged) fill(ctx context.Context) error {
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, f := range s.parcel.Manifest.On(Platform()) {
		if err := s.copy(ctx, root, f); err != nil {
			return err
		}
	}
	return root.WriteFile(manifest.FileName, s.parcel.Raw, 0o600)
}

// copy writes one file and checks its digest.
func (s *Staged) copy(ctx context.Context, root *os.Root, f manifest.File) error {
	name := filepath.FromSlash(f.Path)
	if err := root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	from, err := s.parcel.Open(ctx, f)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode(s.parcel.Manifest.Kind))
	if err != nil {
		return err
	}
	got, err := manifest.Digest(io.TeeReader(from, to))
	if closeErr := to.Close(); err == nil {
		err = closeErr
	}
	if err == nil && got != f.Digest {
		err = &manifest.ChecksumError{Plugin: s.parcel.Manifest.ID, Path: f.Path, Want: f.Digest, Got: got}
	}
	return err
}

// mode is that of a plugin's files. Which of a backend's files are executed the
// manifest does not say.
func mode(kind manifest.Kind) os.FileMode {
	if kind == manifest.Backend {
		return 0o700
	}
	return 0o600
}

// Dir is the folder in which the files are now.
func (s *Staged) Dir() string {
	if s.held != nil {
		return s.shelf.release(s.parcel.Digest)
	}
	return s.dir
}

// Put puts the release in its place. With current, it becomes the one that
// counts for its id, and the one before is kept for Rollback; without, it only
// does where there was none.
func (s *Staged) Put(ctx context.Context, current bool) error {
	defer s.Discard()
	return s.shelf.update(ctx, func(x *index) error {
		if s.held == nil && !s.shelf.sound(s.parcel) { // else another one brought it meanwhile
			if err := s.place(); err != nil {
				return err
			}
		}
		if err := s.record(); err != nil {
			return err
		}
		id := s.parcel.Manifest.ID
		slots, there := x.Plugins[id]
		if current || !there {
			x.Plugins[id] = slots.with(s.parcel.Digest)
		}
		return nil
	})
}

// with makes a release the current one.
func (s slots) with(digest string) slots {
	if s.Current == digest {
		return s
	}
	return slots{Current: digest, Previous: s.Current}
}

// place moves the folder. One that is there already is damaged and goes.
func (s *Staged) place() error {
	dir := s.shelf.release(s.parcel.Digest)
	old := s.dir + oldSuffix
	if err := os.Rename(dir, old); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	defer os.RemoveAll(old)
	return os.Rename(s.dir, dir)
}

// record writes where the release came from. When it was added stays what it
// was.
func (s *Staged) record() error {
	r := s.parcel.Record
	if old, err := s.shelf.record(s.parcel.Digest); err == nil {
		r.Added = old.Added
	}
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(s.shelf.release(s.parcel.Digest)+recordSuffix, append(data, '\n'))
}
