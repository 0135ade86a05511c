// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/gofrs/flock"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/driver"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// caches are the cache mounts of a step. A cache is a folder, named by a
// digest of its id and of what it starts with, that holds numbered copies; only
// private sharing makes more than one. A copy is locked, as its sharing says,
// until the command has ended.
type caches struct {
	locks   []*flock.Flock
	folders map[*irv1.ResolvedMount]*driver.Folder
}

func (c *caches) folder(m *irv1.ResolvedMount) *driver.Folder { return c.folders[m] }

// release ends all locks.
func (c *caches) release() {
	for _, l := range c.locks {
		l.Close()
	}
}

// caches locks the caches of the step. All steps lock in the order of names,
// and one name once, so that none waits for another that waits for it.
func (e *execute) caches(ctx context.Context) (*caches, error) {
	c := &caches{folders: map[*irv1.ResolvedMount]*driver.Folder{}}
	mounts := map[string][]*irv1.ResolvedMount{}
	seeds := map[string]*driver.Subtree{}
	for _, m := range e.step.Mounts {
		if m.Kind != irv1.MountKind_MOUNT_KIND_CACHE {
			continue
		}
		name, seed, err := e.cacheName(ctx, m)
		if err != nil {
			return nil, err
		}
		mounts[name], seeds[name] = append(mounts[name], m), seed
	}
	for _, name := range slices.Sorted(maps.Keys(mounts)) {
		same := mounts[name]
		strictest := slices.MaxFunc(same, func(a, b *irv1.ResolvedMount) int { return cmp.Compare(a.Sharing, b.Sharing) })
		path, err := c.lock(ctx, filepath.Join(e.State.Caches(), name), strictest.Sharing)
		if err != nil {
			c.release()
			return nil, fmt.Errorf("locking the cache %q: %w", strictest.Id, err)
		}
		for _, m := range same {
			c.folders[m] = &driver.Folder{Path: path, Seed: seeds[name], Mode: same[0].Mode, UID: same[0].Uid, GID: same[0].Gid}
		}
	}
	return c, nil
}

// cacheName names a cache, and says what it starts with: nil for nothing.
func (e *execute) cacheName(ctx context.Context, m *irv1.ResolvedMount) (string, *driver.Subtree, error) {
	k := newKey("cache", nil).add(m.Id)
	if !shows(m) {
		return k.String(), nil, nil
	}
	files, err := e.files(ctx, m.From)
	if err != nil {
		return "", nil, err
	}
	digest, err := e.digest(m, files)
	if err != nil {
		return "", nil, err
	}
	seed, err := e.subtree(ctx, m)
	return k.add(digest).String(), seed, err
}

// lock locks a copy of a cache and returns its folder.
func (c *caches) lock(ctx context.Context, home string, sharing irv1.Sharing) (string, error) {
	if err := os.MkdirAll(home, 0o700); err != nil {
		return "", err
	}
	for n := 0; ; n++ {
		dir := filepath.Join(home, strconv.Itoa(n))
		l := flock.New(dir + ".lock")
		ok, err := lockAs(ctx, l, sharing)
		if err != nil {
			return "", errors.Join(err, l.Close())
		}
		if ok {
			c.locks = append(c.locks, l)
			return dir, nil
		}
		l.Close()
	}
}

// retry is how often a lock that somebody else has is tried.
const retry = 20 * time.Millisecond

// lockAs is false when a private cache is in use.
func lockAs(ctx context.Context, l *flock.Flock, sharing irv1.Sharing) (bool, error) {
	switch sharing {
	case irv1.Sharing_SHARING_LOCKED:
		return l.TryLockContext(ctx, retry)
	case irv1.Sharing_SHARING_PRIVATE:
		return l.TryLock()
	}
	return l.TryRLockContext(ctx, retry)
}
