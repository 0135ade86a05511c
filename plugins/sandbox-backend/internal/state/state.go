// SPDX-License-Identifier: Apache-2.0

// Package state is the backend's own folder, kept between builds and shared by
// all that run, in one process or several:
//
//	layers/     the layers, by digest (package store)
//	steps/      which layer a step made, by the step's key
//	artifacts/  the layers that an artifact needs, by its handle
//	removed/    the records of artifacts that are forgotten; their layers go
//	            with the next sweep
//	caches/     the folders of cache mounts
//	contexts/   digests of the files of build contexts
//	trees-*/    the driver's: trees on disk, of one boot of the machine
//	jobs/       what running builds keep on disk
//	locks/      a file for each step that is being carried out
//	lock        held shared by whoever uses the folder, and alone by a sweep
//
// Every file in it appears and changes at once, so that a process that is
// killed, or a full disk, leaves a folder that can be used. So does a power cut,
// which may tear what was not flushed: trees are not used in the next boot, and
// layers are compared with their digests.
package state

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/boot"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/store"
)

// Folder is a state folder in use. It may be used by many goroutines at once.
type Folder struct {
	// Layers are the layers.
	Layers *store.Store
	// Swept is called in a sweep, when not nil, with the digests of all layers
	// that are left.
	Swept func(keep func(digest string) bool) error

	dir  string
	boot string
	lock *flock.Flock
}

// retry is how often a lock that somebody else has is tried.
const retry = 10 * time.Millisecond

// Open makes the folder when it is not there, and waits for a sweep that goes
// on in it. Until Close nothing is swept.
func Open(ctx context.Context, dir string) (*Folder, error) { return openDuring(ctx, dir, boot.ID()) }

// openDuring is Open during a boot of the machine.
func openDuring(ctx context.Context, dir, boot string) (*Folder, error) {
	f := &Folder{dir: dir, boot: boot}
	for _, name := range []string{"steps", "artifacts", "removed", "caches", "contexts", "jobs", "locks", filepath.Base(f.Trees())} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			return nil, fmt.Errorf("making the state folder: %w", err)
		}
	}
	f.lock = flock.New(filepath.Join(dir, "lock"))
	if _, err := f.lock.TryRLockContext(ctx, retry); err != nil {
		return nil, fmt.Errorf("locking the state folder: %w", err)
	}
	var err error
	if f.Layers, err = store.Open(filepath.Join(dir, "layers"), boot); err != nil {
		return nil, errors.Join(err, f.lock.Close())
	}
	return f, nil
}

// Close ends the use of the folder. When artifacts were forgotten and nobody
// else uses the folder, what only they needed is removed.
func (f *Folder) Close() error {
	if err := errors.Join(f.Layers.Close(), f.lock.Close()); err != nil {
		return err
	}
	return f.sweepIfAlone()
}

// treesName begins the name of a driver's folder; that of the boot follows.
const treesName = "trees"

// Trees is the driver's folder. What is in it was made during this boot of the
// machine: nothing there is flushed, and a tree that a power cut tore looks like
// any other.
func (f *Folder) Trees() string {
	return filepath.Join(f.dir, strings.TrimSuffix(treesName+"-"+f.boot, "-"))
}

// OldTrees are the driver's folders of earlier boots. Nobody uses them while
// Swept is called.
func (f *Folder) OldTrees() ([]string, error) {
	found, err := os.ReadDir(f.dir)
	if err != nil {
		return nil, fmt.Errorf("looking for trees of earlier boots: %w", err)
	}
	var old []string
	for _, e := range found {
		if path := filepath.Join(f.dir, e.Name()); strings.HasPrefix(e.Name(), treesName) && path != f.Trees() {
			old = append(old, path)
		}
	}
	return old, nil
}

// Caches is the folder of cache mounts.
func (f *Folder) Caches() string { return filepath.Join(f.dir, "caches") }

// Memo is the file that remembers the digests of a build context's files.
func (f *Folder) Memo(context string) string {
	return filepath.Join(f.dir, "contexts", hashed(context))
}

// Job is the folder of a build, which is not made here.
func (f *Folder) Job(id string) string { return filepath.Join(f.dir, "jobs", hashed(id)) }

// hashed makes a file name of any text.
func hashed(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}

// Lock waits until no one else carries out the step of a key, here or in
// another process.
func (f *Folder) Lock(ctx context.Context, key string) (unlock func() error, err error) {
	l := flock.New(filepath.Join(f.dir, "locks", key))
	if _, err := l.TryLockContext(ctx, retry); err != nil {
		return nil, err
	}
	return l.Close, nil
}

// write writes a file that appears at once.
func write(path string, data []byte) error { return create(path, data, false) }

// create is write, of a file that may have to be on the disk before it appears.
func create(path string, data []byte, flush bool) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil && flush {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
