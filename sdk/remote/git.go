// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"bytes"
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
}

// Git fetches a repository, "address[#ref[:folder]]", with its submodules into
// an empty folder, which gets mode 0755. Without a ref it is what the server's
// HEAD names. The files have the times of their writing; Fetched.Time is the
// same wherever the commit is fetched.
//
// It runs the machine's git, without the configuration of machine and user,
// and without asking anything. On a machine without git the error is ErrNoGit;
// for another commit than the wanted one it is a *ChecksumError.
func Git(ctx context.Context, source, dir string, o GitOptions) (Fetched, error) {
	if _, err := exec.LookPath("git"); err != nil {
		return Fetched{}, ErrNoGit
	}
	address, fragment, _ := strings.Cut(source, "#")
	ref, sub, _ := strings.Cut(fragment, ":")
	if ref == "" {
		ref = "HEAD"
	}
	g := repository{ctx: ctx, dir: dir, agent: o.Agent}
	if err := g.checkOut(address, ref); err != nil {
		return Fetched{}, err
	}
	commit, when, err := g.head()
	if err == nil {
		err = verify(o.Checksum, commit)
	}
	if err == nil && !o.KeepGitDir {
		err = os.RemoveAll(filepath.Join(dir, ".git"))
	}
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		return Fetched{}, err
	}
	at, err := subFolder(dir, sub)
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

// repository is a work tree.
type repository struct {
	ctx        context.Context
	dir, agent string
}

// checkOut fetches one commit without history; or, where the server cannot do
// that, with it; or, where it does not give out commits by their digest, all
// there is.
func (g repository) checkOut(address, ref string) error {
	if _, err := g.run("init", "--quiet", "."); err != nil {
		return err
	}
	at := "FETCH_HEAD"
	_, err := g.run("fetch", "--quiet", "--depth=1", "--", address, ref)
	if err != nil {
		_, err = g.run("fetch", "--quiet", "--", address, ref)
	}
	if err != nil {
		at = ref
		if _, all := g.run("fetch", "--quiet", "--tags", "--", address, "+refs/heads/*:refs/remotes/origin/*"); all != nil {
			return err
		}
	}
	if _, missing := g.run("checkout", "--quiet", "--detach", at); missing != nil {
		return errors.Join(err, missing)
	}
	_, err = g.run("submodule", "--quiet", "update", "--init", "--recursive", "--depth=1")
	return err
}

// head returns what is checked out and when that was committed.
func (g repository) head() (commit string, when time.Time, err error) {
	out, err := g.run("log", "-1", "--format=%H %ct")
	if err != nil {
		return "", time.Time{}, err
	}
	commit, seconds, _ := strings.Cut(strings.TrimSpace(out), " ")
	n, err := strconv.ParseInt(seconds, 10, 64)
	return commit, time.Unix(n, 0).UTC(), err
}

// run runs a command of git in the work tree.
func (g repository) run(args ...string) (string, error) {
	cmd := exec.CommandContext(g.ctx, "git", args...)
	cmd.Dir = g.dir
	cmd.Env = append(os.Environ(),
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_TERMINAL_PROMPT=0", "LC_ALL=C", "HOME="+g.dir)
	if g.agent != "" {
		cmd.Env = append(cmd.Env, "SSH_AUTH_SOCK="+g.agent)
	}
	var out, problem bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problem
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, strings.TrimSpace(problem.String()))
	}
	return out.String(), nil
}
