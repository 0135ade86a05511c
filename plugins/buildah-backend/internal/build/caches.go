// SPDX-License-Identifier: Apache-2.0

package build

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"go.podman.io/storage/pkg/archive"
	"golang.org/x/sys/unix"
)

// cacheDir returns the folder of a cache mount, locked until the step is over
// as its sharing says. A cache is a folder of the state folder, named by a
// digest of its id, that holds numbered copies; only private sharing makes
// more than one.
func (e *execute) cacheDir(m *irv1.ResolvedMount) (string, error) {
	sum := sha256.Sum256([]byte(m.Id))
	home := filepath.Join(e.Start.StateDir, "caches", hex.EncodeToString(sum[:]))
	if err := os.MkdirAll(home, 0o700); err != nil {
		return "", err
	}
	how := unix.LOCK_SH
	switch m.Sharing {
	case irv1.Sharing_SHARING_LOCKED:
		how = unix.LOCK_EX
	case irv1.Sharing_SHARING_PRIVATE:
		how = unix.LOCK_EX | unix.LOCK_NB
	}
	for n := 0; ; n++ {
		dir := filepath.Join(home, strconv.Itoa(n))
		taken, err := e.lock(dir+".lock", how)
		if err != nil {
			return "", fmt.Errorf("locking the cache %q: %w", m.Id, err)
		}
		if !taken {
			return e.fillCache(m, dir)
		}
	}
}

// lock locks a file until the step is over. taken says that somebody else has
// it and how does not want to wait.
func (e *execute) lock(path string, how int) (taken bool, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return false, err
	}
	for {
		err = unix.Flock(int(f.Fd()), how)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		f.Close()
		return errors.Is(err, unix.EWOULDBLOCK), ignore(err, unix.EWOULDBLOCK)
	}
	e.undo = append(e.undo, f.Close)
	return false, nil
}

func ignore(err, ignored error) error {
	if errors.Is(err, ignored) {
		return nil
	}
	return err
}

// fillCache makes a cache that is not there yet. It appears at once.
func (e *execute) fillCache(m *irv1.ResolvedMount, dir string) (string, error) {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return dir, err
	}
	fresh, err := os.MkdirTemp(filepath.Dir(dir), "new-")
	if err != nil {
		return "", err
	}
	if err := e.initCache(m, fresh); err != nil {
		return "", errors.Join(err, os.RemoveAll(fresh))
	}
	err = os.Rename(fresh, dir)
	if errors.Is(err, fs.ErrExist) || errors.Is(err, unix.ENOTEMPTY) {
		return dir, os.RemoveAll(fresh) // another shared user was faster
	}
	return dir, err
}

func (e *execute) initCache(m *irv1.ResolvedMount, dir string) error {
	if m.From != nil && m.From.Kind != irv1.InputKind_INPUT_KIND_SCRATCH {
		tree, err := e.tree(m.From)
		if err != nil {
			return err
		}
		at, err := tree.Resolve(m.Source)
		if err != nil {
			return sourceProblem(m, err)
		}
		if err := archive.NewDefaultArchiver().CopyWithTar(tree.Path(at), dir); err != nil {
			return fmt.Errorf("filling the cache %q: %w", m.Id, err)
		}
	}
	if m.Mode == 0 {
		m.Mode = 0o755
	}
	return own(dir, m)
}
