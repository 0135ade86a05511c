// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// ErrNoGit says that the machine has no git.
var ErrNoGit = errors.New("there is no git on this machine")

// Git fetches a repository, "address[#ref[:folder]]", into a new folder. The
// machine's git configuration is not used. socket is that of an ssh-agent, or
// empty.
func Git(ctx context.Context, source, dir, socket string, keepGit bool) (Got, error) {
	if _, err := exec.LookPath("git"); err != nil {
		return Got{}, ErrNoGit
	}
	address, fragment, _ := strings.Cut(source, "#")
	ref, sub, _ := strings.Cut(fragment, ":")
	if ref == "" {
		ref = "HEAD"
	}
	g := repository{ctx: ctx, dir: dir, socket: socket}
	if err := g.checkOut(address, ref); err != nil {
		return Got{}, err
	}
	commit, err := g.run("rev-parse", "HEAD")
	if err != nil {
		return Got{}, err
	}
	if !keepGit {
		if err := os.RemoveAll(filepath.Join(dir, ".git")); err != nil {
			return Got{}, err
		}
	}
	at, err := subFolder(dir, sub)
	return Got{Dir: at, Digest: strings.TrimSpace(commit)}, err
}

func subFolder(dir, sub string) (string, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer root.Close()
	if sub == "" {
		return dir, nil
	}
	info, err := root.Lstat(sub)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return "", fmt.Errorf("the repository has no folder %q", sub)
	}
	return filepath.Join(dir, sub), err
}

// repository is a work tree.
type repository struct {
	ctx         context.Context
	dir, socket string
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

func (g repository) run(args ...string) (string, error) {
	cmd := exec.CommandContext(g.ctx, "git", args...)
	cmd.Dir = g.dir
	cmd.Env = append(os.Environ(),
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C", "HOME="+g.dir)
	if g.socket != "" {
		cmd.Env = append(cmd.Env, "SSH_AUTH_SOCK="+g.socket)
	}
	var out, problem bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problem
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, strings.TrimSpace(problem.String()))
	}
	return out.String(), nil
}
