// SPDX-License-Identifier: Apache-2.0

package build

import (
	"errors"
	"fmt"
	"os"

	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/files"
	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/transfer"
	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
	"github.com/zlayer/zlayer/sdk/remote"
)

// makeDir is WORKDIR.
type makeDir struct {
	*builder
	step *irv1.MakeDir
}

func (m *makeDir) key(*key) error { return nil }

func (m *makeDir) run(parent string) (string, error) {
	onto, err := m.layerTree(parent)
	if err != nil {
		return "", err
	}
	plan, err := transfer.PlanDir(m.step, onto)
	if err != nil {
		return "", err
	}
	return m.put(parent, plan)
}

// copyFiles is COPY or ADD.
type copyFiles struct {
	*builder
	ref     *backendv1.StepRef
	step    *irv1.Transfer
	where   *diagv1.Range // the instruction in the source
	remotes map[string]transfer.Remote
	scratch string
}

func (c *copyFiles) key(k *key) error {
	local := c.local()
	if len(local) > 0 {
		err := c.keyOf(k, c.step.From, func(tree *files.Tree) (all []string, err error) {
			for _, pattern := range local {
				found, err := transfer.Match(tree, pattern, c.step.Parents)
				if err != nil {
					return nil, err
				}
				if len(found) == 0 {
					c.warn(pattern)
				}
				all = append(all, found...)
			}
			return all, nil
		})
		if err != nil {
			return err
		}
	}
	if len(local) == len(c.step.Sources) || c.pinned() {
		return nil
	}
	if err := c.fetch(k); err != nil {
		return errors.Join(err, os.RemoveAll(c.scratch))
	}
	return nil
}

// warn reports a pattern that matches nothing.
func (c *copyFiles) warn(source string) {
	d := diag.Warning(c.where, "copy-matches-nothing", fmt.Sprintf("no file matches the source %q, so it copies nothing", source))
	d.Help = "if a file should match, check the pattern, and what the ignore file leaves out"
	c.Job.Warn(c.ref, backend.At("", d))
}

// local returns the sources that are paths.
func (c *copyFiles) local() []string {
	var local []string
	for _, s := range c.step.Sources {
		if !c.step.Add || ir.Remote(s) == ir.RemoteNone {
			local = append(local, s)
		}
	}
	return local
}

// pinned says that the step itself names the content of its one remote source.
func (c *copyFiles) pinned() bool { return c.step.Checksum != "" && len(c.step.Sources) == 1 }

func (c *copyFiles) run(parent string) (string, error) {
	scratch, err := c.room()
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(scratch)
	job := transfer.Job{Step: c.step, Keep: !isContext(c.step.From), Scratch: scratch}
	if job.Keep {
		job.Idle = c.warn // of a context it is known since the key was made
	}
	if job.Onto, err = c.layerTree(parent); err != nil {
		return "", err
	}
	if len(c.local()) > 0 {
		if job.From, err = c.tree(c.step.From); err != nil {
			return "", err
		}
	}
	if err := c.fetch(nil); err != nil {
		return "", err
	}
	job.Remotes = c.remotes
	plan, err := transfer.Plan(job)
	if err != nil {
		return "", err
	}
	return c.put(parent, plan)
}

// room is a folder on disk for the step.
func (c *copyFiles) room() (string, error) {
	if c.scratch != "" {
		return c.scratch, nil
	}
	var err error
	c.scratch, err = c.folder(c.Scratch)
	return c.scratch, err
}

// fetch gets the remote sources, once, and adds their digests to a key.
func (c *copyFiles) fetch(k *key) error {
	if c.remotes != nil || len(c.local()) == len(c.step.Sources) {
		return nil
	}
	c.remotes = map[string]transfer.Remote{}
	for _, source := range c.step.Sources {
		if ir.Remote(source) == ir.RemoteNone {
			continue
		}
		got, err := c.fetchOne(source)
		if err != nil {
			return err
		}
		if k != nil {
			k.add("remote", got.Digest)
		}
		tree, err := files.Open(got.Dir, nil)
		if err != nil {
			return err
		}
		at := got.Name
		if at == "" {
			at = "."
		}
		c.remotes[source] = transfer.Remote{Name: got.Name, Files: tree, Path: at, Time: got.Time}
	}
	return nil
}

func (c *copyFiles) fetchOne(source string) (got remote.Fetched, err error) {
	scratch, err := c.room()
	if err != nil {
		return got, err
	}
	c.serial++
	dir, err := os.MkdirTemp(scratch, "fetch-")
	if err != nil {
		return got, err
	}
	kind := "url"
	if ir.Remote(source) == ir.RemoteGit {
		kind = "git"
		got, err = c.git(source, dir)
	} else {
		got, err = remote.URL(c.ctx, source, dir, remote.URLOptions{
			Checksum: c.step.Checksum,
			Progress: func(now, all int64) { c.Job.Progress(c.ref, source, now, all) },
		})
	}
	if errors.Is(err, remote.ErrNoGit) {
		f := backend.Machinef(c.ref, "ADD of a git repository needs git, and %v", err)
		f.Help = "install git, or add an archive of the repository by its URL"
		return got, f
	}
	var wrong *remote.ChecksumError
	if errors.As(err, &wrong) {
		f := backend.Sourcef(c.ref, "%q has digest %s, not %s", source, wrong.Got, wrong.Want)
		f.Help = "check the source, and then the --checksum"
		return got, f
	}
	if full := backend.Full(c.ref, err); full != nil {
		return got, full
	}
	if err != nil {
		return got, backend.Sourcef(c.ref, "cannot fetch %q: %v", source, err)
	}
	c.Job.InputRead(kind, source, got.Digest)
	return got, nil
}

func (c *copyFiles) git(source, dir string) (remote.Fetched, error) {
	o := remote.GitOptions{Checksum: c.step.Checksum, KeepGitDir: c.step.KeepGitDir}
	if remote.NeedsAgent(source) {
		agent, ok, err := c.Job.SSH(c.ctx, "default")
		if err != nil {
			return remote.Fetched{}, err
		}
		if ok {
			o.Agent = agent
		}
	}
	return remote.Git(c.ctx, source, dir, o)
}
