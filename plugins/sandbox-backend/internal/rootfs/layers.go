// SPDX-License-Identifier: Apache-2.0

package rootfs

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// layers is the folder of unpacked layers of one mapping of ids. Each layer is
// a folder by its digest, which appears by one rename.
type layers struct {
	dir string
	id  ids
}

// The files of an unpacked layer.
const (
	filesName = "f"
	aboutName = "about.json"
)

// openLayers makes what is missing of a folder of layers.
func openLayers(state string, id ids, kind string) (*layers, error) {
	dir := filepath.Join(state, kind+"-"+id.key)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return &layers{dir: dir, id: id}, os.Chmod(state, 0o700)
}

// path is the folder of a layer.
func (l *layers) path(digest string) (string, error) {
	hexed, ok := strings.CutPrefix(digest, "sha256:")
	if sum, err := hex.DecodeString(hexed); !ok || err != nil || len(sum) != 32 {
		return "", fmt.Errorf("layer %q: no SHA-256 digest", digest)
	}
	return filepath.Join(l.dir, hexed), nil
}

// has says whether a layer is there.
func (l *layers) has(digest string) bool {
	path, err := l.path(digest)
	if err == nil {
		_, err = os.Lstat(path)
	}
	return err == nil
}

// add unpacks a layer, unless it is there: unpack fills an empty folder. Who
// else wants the same layer waits.
func (l *layers) add(digest string, unpack func(files string) (*about, error)) error {
	return l.locked(digest, func(path string) error {
		if l.has(digest) {
			return nil
		}
		draft := path + ".draft"
		if err := RemoveAll(draft); err != nil { // of a process that died
			return err
		}
		if err := os.MkdirAll(filepath.Join(draft, filesName), 0o700); err != nil {
			return err
		}
		a, err := unpack(filepath.Join(draft, filesName))
		if err == nil {
			err = l.publish(draft, path, a)
		}
		if err != nil {
			return errors.Join(err, RemoveAll(draft))
		}
		return nil
	})
}

// adopt takes a finished folder of files for that of a layer. It says whether
// it did.
func (l *layers) adopt(digest, files, draft string, a *about) (bool, error) {
	done := false
	err := l.locked(digest, func(path string) error {
		if l.has(digest) {
			return nil
		}
		if err := os.Mkdir(draft, 0o700); err != nil {
			return err
		}
		if err := os.Rename(files, filepath.Join(draft, filesName)); err != nil {
			return err
		}
		done = true
		return l.publish(draft, path, a)
	})
	return done, err
}

// publish gives a finished layer its name.
func (l *layers) publish(draft, path string, a *about) error {
	if err := a.write(filepath.Join(draft, aboutName)); err != nil {
		return err
	}
	return os.Rename(draft, path)
}

// locked calls fn with the path of a layer while no other process does. A
// process that dies lets go.
func (l *layers) locked(digest string, fn func(path string) error) error {
	path, err := l.path(digest)
	if err != nil {
		return err
	}
	lock, err := os.OpenFile(filepath.Join(l.dir, "lock-"+filepath.Base(path)[:1]), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer lock.Close()
	for {
		err := unix.Flock(int(lock.Fd()), unix.LOCK_EX)
		if err == nil {
			return fn(path)
		}
		if !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("locking %s: %w", lock.Name(), err)
		}
	}
}

// Sweep removes the unpacked layers below state that keep does not want, and
// what processes that died left there. It runs in the namespace that the files
// belong to: those of other mappings of ids go as far as it may remove them.
// Layers in use must be kept.
func Sweep(state string, keep func(digest string) bool) error {
	id, err := currentIDs()
	if err != nil {
		return err
	}
	kinds, err := os.ReadDir(state)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	errs := []error{err}
	for _, kind := range kinds {
		err := (&layers{dir: filepath.Join(state, kind.Name()), id: id}).sweep(keep)
		if strings.HasSuffix(kind.Name(), "-"+id.key) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// sweep removes the layers of one folder.
func (l *layers) sweep(keep func(digest string) bool) error {
	entries, err := os.ReadDir(l.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var errs []error
	for _, e := range entries {
		hexed, draft := strings.CutSuffix(e.Name(), ".draft")
		digest := "sha256:" + hexed
		if _, err := l.path(digest); err != nil || !draft && keep(digest) {
			continue
		}
		errs = append(errs, l.remove(digest, draft))
	}
	return errors.Join(append(errs, err)...)
}

// remove removes a layer, or only the draft of one. The layer's name goes
// first, so that nobody sees half of it.
func (l *layers) remove(digest string, onlyDraft bool) error {
	return l.locked(digest, func(path string) error {
		if !onlyDraft {
			if err := RemoveAll(path + ".draft"); err != nil {
				return err
			}
			if err := os.Rename(path, path+".draft"); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		return RemoveAll(path + ".draft")
	})
}
