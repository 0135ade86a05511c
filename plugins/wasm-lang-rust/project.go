// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/buildctx"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

// project is a build context that is being built, and what is kept between its
// builds. Only one build at a time has it.
type project struct {
	dir    string // the context, absolute and real
	source string // the copy that cargo sees
	target string // cargo's target folder
	lock   *flock.Flock
}

// keepTargets is how long the target folder of a project that is not built is
// kept.
const keepTargets = 30 * 24 * time.Hour

// openProject waits for other builds of the project in dir, then copies what its
// context does not hide.
//
// cargo writes beside Cargo.toml (Cargo.lock), build scripts write where they
// like, and both look into the folders above. In the copy they may, and find
// nothing there that is not part of the build context.
func openProject(ctx context.Context, start *backendv1.Start, dir string) (*project, error) {
	all := filepath.Join(start.GetStateDir(), "projects")
	if err := os.MkdirAll(all, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of projects: %w", err)
	}
	sum := sha256.Sum256([]byte(dir))
	own := filepath.Join(all, hex.EncodeToString(sum[:8]))
	p := &project{dir: dir, source: filepath.Join(own, "source"), target: filepath.Join(own, "target"), lock: flock.New(own + ".lock")}
	if _, err := p.lock.TryLockContext(ctx, 50*time.Millisecond); err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, fmt.Errorf("locking the project: %w", err)
	}
	if err := p.fill(start); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	dropOld(all, own)
	return p, nil
}

// fill makes the copy.
func (p *project) fill(start *backendv1.Start) error {
	if err := os.RemoveAll(p.source); err != nil {
		return fmt.Errorf("removing an old copy of the project: %w", err)
	}
	if err := os.MkdirAll(p.source, 0o700); err != nil {
		return fmt.Errorf("copying the project: %w", err)
	}
	ignore, err := buildctx.NewIgnore(start.GetContexts()[0].GetIgnore())
	if err != nil {
		return fmt.Errorf("reading the ignore rules: %w", err)
	}
	from, err := buildctx.Open(p.dir, buildctx.Options{Ignore: ignore})
	if err != nil {
		return backend.Sourcef(nil, "reading the project: %v", err)
	}
	defer from.Close()
	if err := copyContext(from, p.source); err != nil {
		return backend.Sourcef(nil, "copying the project: %v", err)
	}
	return nil
}

// Close removes the copy and lets others build the project.
func (p *project) Close() error {
	now := time.Now()
	_ = os.Chtimes(filepath.Dir(p.source), now, now) // when it was last used: see dropOld
	return errors.Join(os.RemoveAll(p.source), p.lock.Unlock())
}

// dropOld removes what is kept of projects that nobody builds any more. What it
// cannot remove now it will another time.
func dropOld(all, own string) {
	entries, err := os.ReadDir(all)
	if err != nil {
		return
	}
	for _, e := range entries {
		dir := filepath.Join(all, e.Name())
		if info, err := e.Info(); err != nil || !e.IsDir() || dir == own || time.Since(info.ModTime()).Abs() < keepTargets {
			continue
		}
		lock := flock.New(dir + ".lock")
		if ok, err := lock.TryLock(); err == nil && ok {
			_ = os.RemoveAll(dir)
			_ = lock.Unlock()
		}
	}
}

// copyContext copies what a context does not hide into a folder. Two kinds of
// folder are left out although they are not hidden: git's own, and those that
// say they are a cache, as cargo's target folder does (bford.info/cachedir).
func copyContext(from *buildctx.Context, to string) error {
	return from.Walk(".", func(e buildctx.Entry) error {
		target := filepath.Join(to, filepath.FromSlash(e.Path))
		switch mode := e.Info.Mode(); {
		case mode.IsDir():
			if isDerived(filepath.Join(from.Dir(), filepath.FromSlash(e.Path))) {
				return fs.SkipDir
			}
			return os.MkdirAll(target, 0o700)
		case mode.IsRegular():
			return copyFile(filepath.Join(from.Dir(), filepath.FromSlash(e.Path)), target, mode)
		case mode&fs.ModeSymlink != 0:
			return copyLink(from, e.Path, to)
		}
		return nil // a socket, pipe or device is nothing to compile
	})
}

// isDerived says whether a folder holds nothing that a build needs.
func isDerived(dir string) bool {
	if filepath.Base(dir) == ".git" {
		return true
	}
	_, err := os.Stat(filepath.Join(dir, "CACHEDIR.TAG"))
	return err == nil
}

// copyLink makes a link to the copy of what a link of the context stands for.
// One that leads to nothing in the context is left out.
func copyLink(from *buildctx.Context, name, to string) error {
	stands, err := from.Resolve(name)
	if err != nil {
		return nil //nolint:nilerr // whoever needs the file will say that it is not there
	}
	return os.Symlink(filepath.Join(to, filepath.FromSlash(stands)), filepath.Join(to, filepath.FromSlash(name)))
}

// copyFile copies a file, its permissions to run included.
func copyFile(source, target string, mode fs.FileMode) error {
	in, err := os.Open(source)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600|mode.Perm()&0o100)
	if err != nil {
		return err
	}
	_, err = out.ReadFrom(in)
	return errors.Join(err, out.Close())
}
