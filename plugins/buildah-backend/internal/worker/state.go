// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/build"
	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/jail"
	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/layers"
	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/wire"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"golang.org/x/sys/unix"
)

// state is the backend's state folder:
//
//	storage/    the layers (containers/storage)
//	storage.lock held while storage/ is used
//	cache/      which layer a step made, by its key
//	artifacts/  the layers that an artifact needs, by its handle
//	caches/     the folders of cache mounts
//	jobs/       what running jobs keep on disk
//	run/        empty; calls without a folder of their own mount one on it
//	lock        held shared by builds, and alone by Remove
type state struct {
	dir    string
	layers *layers.Store
	lock   *os.File
}

// How the state folder is used.
const (
	shared = unix.LOCK_SH
	alone  = unix.LOCK_EX
)

// openState opens the state folder. temp is a folder that is empty; what comes
// into it is only in memory.
func openState(dir, temp string, how int) (*state, error) {
	for _, name := range []string{"", "artifacts", "jobs", "run"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o711); err != nil {
			return nil, fmt.Errorf("making the state folder: %w", err)
		}
	}
	if err := jail.Tmp(temp); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := flock(lock, how); err != nil {
		return nil, fmt.Errorf("locking %q: %w", lock.Name(), err)
	}
	store, err := layers.Open(dir, temp)
	if err != nil {
		return nil, err
	}
	return &state{dir, store, lock}, nil
}

func flock(f *os.File, how int) error {
	for {
		if err := unix.Flock(int(f.Fd()), how); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// close is for good manners: what it does not do the kernel does when the
// worker ends.
func (s *state) close() {
	s.layers.Close()
	s.lock.Close()
}

// receive reads the one message of a call and opens the state folder it names.
func receive(requests *wire.Reader, m wire.Message, dir func() string) (*state, error) {
	return receiveFor(requests, m, dir, shared)
}

func receiveFor(requests *wire.Reader, m wire.Message, dir func() string, how int) (*state, error) {
	if err := requests.Receive(m); err != nil {
		return nil, fmt.Errorf("reading the request: %w", err)
	}
	go watch(requests, func(*backendv1.Answer) {})
	return openState(dir(), filepath.Join(dir(), "run"), how)
}

// artifactPath is where the layers of an artifact are listed.
func (s *state) artifactPath(handle string) string {
	return filepath.Join(s.dir, "artifacts", strings.ReplaceAll(handle, ":", "-"))
}

// record remembers which layers an artifact needs.
func (s *state) record(handle string, tops []string) error {
	path := s.artifactPath(handle)
	temp, err := os.CreateTemp(filepath.Dir(path), ".new-")
	if err != nil {
		return err
	}
	_, err = temp.WriteString(strings.Join(tops, "\n"))
	if err = errors.Join(err, temp.Close()); err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	return nil
}

// tops lists the layers that an artifact needs; none for an unknown one.
func (s *state) tops(handle string) ([]string, error) {
	text, err := os.ReadFile(s.artifactPath(handle))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return strings.Split(string(text), "\n"), err
}

// has answers with an artifact without a handle when there is none.
func has(requests *wire.Reader) (*backendv1.Artifact, error) {
	var r backendv1.HasRequest
	s, err := receive(requests, &r, func() string { return r.StateDir })
	if err != nil {
		return nil, err
	}
	defer s.close()
	if tops, err := s.tops(r.Handle); err != nil || tops == nil {
		return &backendv1.Artifact{}, err
	}
	if !strings.HasPrefix(r.Handle, build.Bare) {
		if _, err := s.layers.Chain(r.Handle, ""); err != nil {
			return &backendv1.Artifact{}, nil
		}
	}
	return &backendv1.Artifact{Handle: r.Handle}, nil
}

// export writes layers of an artifact into a folder.
func export(requests *wire.Reader) error {
	var r backendv1.ExportRequest
	s, err := receive(requests, &r, func() string { return r.StateDir })
	if err != nil {
		return err
	}
	defer s.close()
	if strings.HasPrefix(r.Handle, build.Bare) && len(r.Digests) == 0 {
		return nil
	}
	chain, err := s.layers.Chain(r.Handle, "")
	if err != nil {
		return fmt.Errorf("artifact %q: %w", r.Handle, err)
	}
	ids := map[string]string{}
	for _, l := range chain {
		ids[l.Digest] = l.ID
	}
	for _, digest := range r.Digests {
		if ids[digest] == "" {
			return fmt.Errorf("artifact %q has no blob %s", r.Handle, digest)
		}
		if err := s.exportLayer(ids[digest], digest, r.Directory); err != nil {
			return fmt.Errorf("exporting %s: %w", digest, err)
		}
	}
	return nil
}

func (s *state) exportLayer(id, digest, dir string) error {
	tar, err := s.layers.Tar(id)
	if err != nil {
		return err
	}
	defer tar.Close()
	f, err := os.OpenFile(filepath.Join(dir, strings.TrimPrefix(digest, "sha256:")), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	sum := sha256.New()
	_, err = io.Copy(io.MultiWriter(f, sum), tar)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if got := "sha256:" + hex.EncodeToString(sum.Sum(nil)); got != digest {
		return fmt.Errorf("the store is damaged: the layer has digest %s now", got)
	}
	return nil
}

// remove forgets artifacts, and the layers that nothing else needs.
func remove(requests *wire.Reader) error {
	var r backendv1.RemoveRequest
	s, err := receiveFor(requests, &r, func() string { return r.StateDir }, alone)
	if err != nil {
		return err
	}
	defer s.close()
	var gone []string
	for _, handle := range r.Handles {
		tops, err := s.tops(handle)
		if err != nil {
			return err
		}
		gone = append(gone, tops...)
		if err := os.Remove(s.artifactPath(handle)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	needed, err := s.needed()
	if err != nil {
		return err
	}
	var problems []error
	for _, top := range gone {
		problems = append(problems, s.layers.Prune(top, func(id string) bool { return needed[id] }))
	}
	return errors.Join(problems...)
}

// needed are the layers that artifacts need directly; those below are kept by
// the layers above them.
func (s *state) needed() (map[string]bool, error) {
	names, err := filepath.Glob(filepath.Join(s.dir, "artifacts", "*"))
	if err != nil {
		return nil, err
	}
	needed := map[string]bool{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		for _, top := range strings.Split(string(text), "\n") {
			needed[top] = true
		}
	}
	return needed, nil
}
