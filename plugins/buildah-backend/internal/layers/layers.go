// SPDX-License-Identifier: Apache-2.0

// Package layers keeps layers in containers/storage.
//
// There are only layers: no images, no containers. A finished layer never
// changes, and its tar, byte for byte as it was put in, can be had again.
// Everything that only lives as long as a job, mounts first of all, is kept
// in the job's own run root, so that jobs share layers and nothing else.
package layers

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"go.podman.io/storage"
	"go.podman.io/storage/pkg/archive"
	"golang.org/x/sys/unix"
)

// Store is a store of layers. Several processes may use one at once.
type Store struct {
	store storage.Store
	// run is a folder of the job on a temporary file system; it is also the
	// working directory, so that mount options can name what is in it by
	// short paths.
	run   string
	trees map[string]tree
	links map[string]string
	// lockFile is the file of lock.
	lockFile string
}

// Layer is a finished layer.
type Layer struct {
	// ID names it in the store.
	ID string
	// Parent is the layer below. Empty for the lowest.
	Parent string
	// Digest is that of its uncompressed tar, "sha256:…".
	Digest string
	// Size is that of its uncompressed tar in bytes.
	Size int64
}

// drivers are tried in turn: a folder on a file system that cannot carry an
// overlay gets whole copies.
var drivers = []string{"overlay", "vfs"}

// Open opens the store in a state folder. run is the job's own folder and
// must be the working directory.
func Open(state, run string) (*Store, error) {
	opened := &Store{run: run, trees: map[string]tree{}, links: map[string]string{}, lockFile: filepath.Join(state, "storage.lock")}
	unlock, err := opened.lock(alone)
	if err != nil {
		return nil, err
	}
	defer unlock()
	var tried []error
	for _, driver := range drivers {
		s, err := storage.GetStore(storage.StoreOptions{
			GraphRoot:       filepath.Join(state, "storage"),
			RunRoot:         filepath.Join(run, "storage"),
			GraphDriverName: driver,
		})
		if err == nil {
			opened.store = s
			return opened, nil
		}
		tried = append(tried, fmt.Errorf("%s: %w", driver, err))
	}
	return nil, fmt.Errorf("opening the layer store in %q: %w", state, errors.Join(tried...))
}

// Layer returns a finished layer. ok is false when there is none.
func (s *Store) Layer(id string) (l Layer, ok bool) {
	unlock, err := s.lock(shared)
	if err != nil {
		return Layer{}, false
	}
	defer unlock()
	found, err := s.store.Layer(id)
	if err != nil || found.UncompressedDigest == "" {
		return Layer{}, false
	}
	return Layer{found.ID, found.Parent, found.UncompressedDigest.String(), found.UncompressedSize}, true
}

// Put makes a layer of an uncompressed tar. A tar without entries makes none:
// the result is the parent, and made is false. An empty id lets the store
// choose; an id that is there already is not made again.
func (s *Store) Put(id, parent string, tar io.Reader) (top string, made bool, err error) {
	buffered := bufio.NewReaderSize(tar, 64<<10)
	first, err := buffered.Peek(len(endOfTar))
	if err != nil && !errors.Is(err, io.EOF) {
		return "", false, err
	}
	if id == "" && bytes.Equal(first, endOfTar) {
		_, err := io.Copy(io.Discard, buffered)
		return parent, false, err
	}
	unlock, err := s.lock(alone)
	if err != nil {
		return "", false, err
	}
	defer unlock()
	l, _, err := s.store.PutLayer(id, parent, nil, "", false, nil, buffered)
	if errors.Is(err, storage.ErrDuplicateID) {
		return id, false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("storing a layer: %w", heard(err))
	}
	return l.ID, true, nil
}

// heard adds to an error what a process of the store, which unpacks, got from
// the system. There is only what it said.
func heard(err error) error {
	for _, errno := range []syscall.Errno{unix.ENOSPC, unix.EDQUOT} {
		if strings.Contains(err.Error(), errno.Error()) {
			return hearsay{err, errno}
		}
	}
	return err
}

// hearsay is an error with the cause that its text names.
type hearsay struct {
	error
	cause error
}

// Unwrap returns both.
func (h hearsay) Unwrap() []error { return []error{h.error, h.cause} }

// endOfTar is how an empty tar begins.
var endOfTar = make([]byte, 512)

// Tar returns the uncompressed tar of a finished layer as it was put in.
// Nothing can be put in until it is closed.
func (s *Store) Tar(id string) (io.ReadCloser, error) {
	unlock, err := s.lock(shared)
	if err != nil {
		return nil, err
	}
	plain := archive.Uncompressed
	tar, err := s.store.Diff("", id, &storage.DiffOptions{Compression: &plain})
	if err != nil {
		unlock()
		return nil, err
	}
	return unlocking{tar, unlock}, nil
}

// Chain returns a layer and all below it, the highest first, up to and
// without the layer "until".
func (s *Store) Chain(top, until string) ([]Layer, error) {
	var chain []Layer
	for id := top; id != "" && id != until; {
		l, ok := s.Layer(id)
		if !ok {
			return nil, fmt.Errorf("layer %s is not in the store", id)
		}
		chain = append(chain, l)
		id = l.Parent
	}
	return chain, nil
}

// Draft is a layer that is being written.
type Draft struct {
	store *Store
	// ID names it in the store.
	ID string
	// Root is where it is mounted.
	Root string

	parent string
}

// draftName is the name of a draft, by which Sweep finds it.
func draftName(job string, n int) string { return fmt.Sprintf("draft-%s-%d", job, n) }

// jobOf returns the job of a draft.
func jobOf(name string) (job string, ok bool) {
	name, ok = strings.CutPrefix(name, "draft-")
	job, _, numbered := strings.Cut(name, "-")
	return job, ok && numbered
}

// Draft mounts a new layer over a parent. The job and number name it.
func (s *Store) Draft(parent, job string, n int) (*Draft, error) {
	unlock, err := s.lock(alone)
	if err != nil {
		return nil, err
	}
	defer unlock()
	l, err := s.store.CreateLayer("", parent, []string{draftName(job, n)}, "", true, nil)
	if err != nil {
		return nil, fmt.Errorf("creating a layer to run in: %w", err)
	}
	root, err := s.store.Mount(l.ID, "")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("mounting a layer to run in: %w", err), s.store.DeleteLayer(l.ID))
	}
	return &Draft{s, l.ID, root, parent}, nil
}

// Changes unmounts the draft and returns what was written into it as an
// uncompressed tar. It asks the driver and not the store, which would be
// locked until the tar is closed.
func (d *Draft) Changes() (io.ReadCloser, error) {
	unlock, err := d.store.lock(alone)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if _, err := d.store.store.Unmount(d.ID, true); err != nil {
		return nil, err
	}
	driver, err := d.store.store.GraphDriver()
	if err != nil {
		return nil, err
	}
	return driver.Diff(d.ID, nil, d.parent, nil, "")
}

// Discard removes the draft.
func (d *Draft) Discard() error {
	unlock, err := d.store.lock(alone)
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := d.store.store.Unmount(d.ID, true); err != nil && !errors.Is(err, storage.ErrLayerNotMounted) {
		return err
	}
	return d.store.store.DeleteLayer(d.ID)
}

// Sweep removes the drafts of jobs that are dead.
func (s *Store) Sweep(dead func(job string) bool) error {
	unlock, err := s.lock(alone)
	if err != nil {
		return err
	}
	defer unlock()
	all, err := s.store.Layers()
	if err != nil {
		return err
	}
	var problems []error
	for _, l := range all {
		for _, name := range l.Names {
			if job, ok := jobOf(name); ok && dead(job) {
				// The backend of a host that was killed may be sweeping, too.
				if err := s.store.DeleteLayer(l.ID); !errors.Is(err, storage.ErrNotALayer) {
					problems = append(problems, err)
				}
			}
		}
	}
	return errors.Join(problems...)
}

// Prune removes a layer and then those below it, as long as nothing is above
// and keep does not say to keep it.
func (s *Store) Prune(top string, keep func(id string) bool) error {
	unlock, err := s.lock(alone)
	if err != nil {
		return err
	}
	defer unlock()
	for id := top; id != ""; {
		l, err := s.store.Layer(id)
		if errors.Is(err, storage.ErrLayerUnknown) || keep(id) {
			return nil
		}
		if err != nil {
			return err
		}
		err = s.store.DeleteLayer(id)
		if errors.Is(err, storage.ErrLayerHasChildren) {
			return nil
		}
		if err != nil {
			return err
		}
		id = l.Parent
	}
	return nil
}

// Close unmounts what the store mounted.
func (s *Store) Close() error {
	var problems []error
	for _, t := range s.trees {
		problems = append(problems, t.close())
	}
	return errors.Join(problems...)
}

// dir makes a folder of the job and returns its path.
func (s *Store) dir(name string) (string, error) {
	path := filepath.Join(s.run, name)
	return path, os.MkdirAll(path, 0o755)
}
