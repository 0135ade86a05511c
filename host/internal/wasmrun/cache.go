// SPDX-License-Identifier: Apache-2.0

package wasmrun

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// cache is a folder of compiled modules: one folder for each engine version
// and module digest, filled by wazero with code for each CPU. A nil cache keeps
// nothing.
type cache struct{ dir string }

func openCache(dir string) (*cache, error) {
	if dir == "" {
		return nil, nil
	}
	c := &cache{dir: filepath.Join(dir, engineVersion())}
	if err := private(c.dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return c, nil
}

// engineVersion names the version of wazero, on which compiled code depends.
func engineVersion() string {
	version := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == "github.com/tetratelabs/wazero" {
				version = m.Version
			}
		}
	}
	return "wazero-" + version
}

// folder returns the folder of a module, and makes it. Only what fills the cache
// does: where nothing can be written, modules run without.
func (c *cache) folder(digest string) (string, error) {
	dir := filepath.Join(c.dir, strings.ReplaceAll(digest, ":", "-"))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", &CacheError{err}
	}
	return dir, nil
}

// has says whether there is compiled code of the module, very likely for this
// CPU too.
func (c *cache) has(digest string) bool {
	if c == nil {
		return false
	}
	found, err := filepath.Glob(filepath.Join(c.dir, strings.ReplaceAll(digest, ":", "-"), "wazero-*", "*"))
	if err != nil {
		return false
	}
	for _, name := range found {
		if !strings.HasSuffix(name, ".tmp") {
			return true
		}
	}
	return false
}

// lock waits until no other process compiles the module. What a process that
// died while it compiled has left is removed.
func (c *cache) lock(ctx context.Context, digest string) (unlock func(), err error) {
	dir, err := c.folder(digest)
	if err != nil {
		return nil, err
	}
	l := flock.New(filepath.Join(dir, "lock"))
	if ok, err := l.TryLockContext(ctx, 20*time.Millisecond); !ok || err != nil {
		return nil, &CacheError{fmt.Errorf("waiting for another process that compiles: %w", err)}
	}
	stale, _ := filepath.Glob(filepath.Join(dir, "wazero-*", "*.tmp"))
	for _, name := range stale {
		_ = os.Remove(name)
	}
	return func() { _ = l.Unlock() }, nil
}

// unusedFor is how long compiled code is kept that nobody asks for. A clock that
// was set back can have noted a use in the future, which counts like one as long
// ago.
const unusedFor = 30 * 24 * time.Hour

// used notes that compiled code is used, once a day at most.
func (c *cache) used(digest string) {
	if c == nil {
		return
	}
	dir := filepath.Join(c.dir, strings.ReplaceAll(digest, ":", "-"))
	now := time.Now()
	if info, err := os.Stat(dir); err == nil && now.Sub(info.ModTime()).Abs() > 24*time.Hour {
		_ = os.Chtimes(dir, now, now)
	}
}

// collect removes compiled code, of other versions of the engine too, that was
// not used for long. What cannot be removed now can be later.
func (c *cache) collect() {
	found, _ := filepath.Glob(filepath.Join(filepath.Dir(c.dir), "wazero-*", "sha256-*"))
	for _, dir := range found {
		if info, err := os.Stat(dir); err == nil && time.Since(info.ModTime()).Abs() > unusedFor {
			_ = os.RemoveAll(dir)
			_ = os.Remove(filepath.Dir(dir)) // only when it is empty
		}
	}
}

// dropIdle removes the compiled code of a module, unless a process compiles it.
func (c *cache) dropIdle(digest string) {
	l := flock.New(filepath.Join(c.dir, strings.ReplaceAll(digest, ":", "-"), "lock"))
	if ok, err := l.TryLock(); err != nil || !ok {
		return
	}
	defer l.Close()
	c.drop(digest)
}

// drop removes the compiled code of a module.
func (c *cache) drop(digest string) {
	found, _ := filepath.Glob(filepath.Join(c.dir, strings.ReplaceAll(digest, ":", "-"), "wazero-*"))
	for _, dir := range found {
		_ = os.RemoveAll(dir)
	}
}
