// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// GitOptions of Git. The zero value fetches any commit, without an ssh-agent,
// and keeps no history.
type GitOptions struct {
	// Checksum is the commit that it must be, or 7 or more of its first hex
	// digits. Empty: any.
	Checksum string
	// Agent is the path of an ssh-agent's socket. Empty: none.
	Agent string
	// KeepGitDir leaves the folder .git in place, as ADD --keep-git-dir does.
	KeepGitDir bool
	// User is the environment of a user, as from os.Environ, whose git
	// configuration says how servers are reached: credentials, proxies,
	// certificates, other addresses. What it says of files, hooks and the like
	// never counts. Nil: no configuration counts.
	User []string
	// Patience is how long a server may send nothing; over ssh and git's own
	// protocol it may be five times that. Zero: Patience.
	Patience time.Duration
	// Limit is the most bytes that the repository may take on disk; more are a
	// *TooLargeError. Zero: any number.
	Limit int64
	// Progress is told how much is on disk. May be nil.
	Progress Progress
}

// Git fetches a repository, as ParseRepository reads it, with its submodules
// into an empty folder. Its files get mode 0644 or 0755, its folders 0755, and
// all but links the time of the commit: they are the same wherever it is
// fetched.
//
// It runs the machine's git, which asks nothing, runs no hooks, and speaks to
// servers over https, http, ssh and git only. On a machine without git the error
// is ErrNoGit; for another commit than the wanted one it is a *ChecksumError. No
// error shows a password.
func Git(ctx context.Context, source, dir string, o GitOptions) (Fetched, error) {
	if _, err := exec.LookPath("git"); err != nil {
		return Fetched{}, ErrNoGit
	}
	r, err := ParseRepository(source)
	if err != nil {
		return Fetched{}, err
	}
	g := &clone{Repository: r, ctx: ctx, dir: dir, o: o}
	if err := g.configure(); err != nil {
		return Fetched{}, err
	}
	if err := g.checkOut(); err != nil {
		return Fetched{}, err
	}
	commit, when, err := g.head()
	if err == nil {
		err = errors.Join(verify(r.Checksum, commit), verify(o.Checksum, commit))
	}
	if err == nil {
		err = g.settle(when)
	}
	if err != nil {
		return Fetched{}, err
	}
	at, err := subFolder(dir, r.Folder)
	return Fetched{Dir: at, Digest: commit, Time: when}, err
}

// subFolder finds a folder of the repository; no link leads out of it.
func subFolder(dir, sub string) (string, error) {
	if sub == "" {
		return dir, nil
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer root.Close()
	info, err := root.Lstat(filepath.FromSlash(sub))
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return "", fmt.Errorf("the repository has no folder %q", sub)
	}
	if err != nil {
		return "", fmt.Errorf("looking for %q in the repository: %w", sub, err)
	}
	return filepath.Join(dir, filepath.FromSlash(sub)), nil
}

// clone is a repository being fetched.
type clone struct {
	Repository
	ctx context.Context
	dir string
	o   GitOptions
	env []string // of git
}

// checkOut fetches one commit without history; or, where the server cannot do
// that, with it; or, where it does not give out commits by their digest, all
// there is.
func (g *clone) checkOut() error {
	if _, err := g.run("init", "--quiet", "--template=", "."); err != nil {
		return err
	}
	ref, at := g.Ref, "FETCH_HEAD"
	if ref == "" {
		ref = "HEAD"
	}
	err := g.watched("fetch", "--quiet", "--depth=1", "--", g.Address, ref)
	if retry(err) {
		err = g.watched("fetch", "--quiet", "--", g.Address, ref)
	}
	if retry(err) {
		at = ref
		if all := g.watched("fetch", "--quiet", "--tags", "--", g.Address, "+refs/heads/*:refs/remotes/origin/*"); all != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	if missing := g.watched("checkout", "--quiet", "--detach", at); missing != nil {
		return cmp.Or(err, missing) // what the server said of it comes first
	}
	if g.NoSubmodules {
		return nil
	}
	return g.watched("submodule", "--quiet", "update", "--init", "--recursive", "--depth=1")
}

// retry says whether git itself failed, so that another command of it may do.
func retry(err error) bool {
	var exit *exec.ExitError
	return errors.As(err, &exit)
}

// head returns what is checked out and when that was committed.
func (g *clone) head() (commit string, when time.Time, err error) {
	out, err := g.run("log", "-1", "--format=%H %ct")
	if err != nil {
		return "", time.Time{}, err
	}
	commit, seconds, _ := strings.Cut(strings.TrimSpace(out), " ")
	n, err := strconv.ParseInt(seconds, 10, 64)
	return commit, time.Unix(n, 0).UTC(), err
}

// settle takes away what is not of the commit, and makes modes and times those
// of any machine.
func (g *clone) settle(when time.Time) error {
	git := filepath.Join(g.dir, ".git")
	err := removeSettings(g.dir)
	if err == nil && !g.o.KeepGitDir && !g.KeepGitDir {
		err = os.RemoveAll(git)
	}
	if err != nil {
		return err
	}
	return filepath.WalkDir(g.dir, func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name == git && e.IsDir():
			return fs.SkipDir
		case !e.IsDir() && !e.Type().IsRegular():
			return nil
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		mode := fs.FileMode(0o755)
		if !e.IsDir() && info.Mode()&0o100 == 0 {
			mode = 0o644
		}
		return errors.Join(os.Chmod(name, mode), os.Chtimes(name, when, when))
	})
}

// run runs a command of git in the work tree.
func (g *clone) run(args ...string) (string, error) {
	cmd := exec.CommandContext(g.ctx, "git", args...)
	cmd.Dir, cmd.Env = g.dir, g.env
	cmd.WaitDelay = time.Second // what git itself started may outlive it
	if g.o.User != nil {
		release, err := ownSession(cmd)
		if err != nil {
			return "", err
		}
		defer release()
	}
	var out, problem bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problem
	err := cmd.Run()
	switch {
	case g.ctx.Err() != nil:
		return "", context.Cause(g.ctx)
	case err != nil:
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, said(problem.String()))
	}
	return out.String(), nil
}
