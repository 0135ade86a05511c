// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"maps"
	"os"
	"slices"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/transfer"
	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/buildctx"
	"github.com/zlayer/zlayer/sdk/ir"
	"github.com/zlayer/zlayer/sdk/remote"
)

// remotes are the sources of ADD that were fetched, by their text. They stay
// until the job ends.
type remotes struct{ got map[string]fetched }

type fetched struct {
	transfer.Remote
	digest string
}

// digests are what the fetched sources add to a key.
func (r *remotes) digests() []string {
	var list []string
	if r != nil {
		for _, source := range slices.Sorted(maps.Keys(r.got)) {
			list = append(list, source, r.got[source].digest)
		}
	}
	return list
}

// files are the fetched sources for a transfer.
func (r *remotes) files(ctx context.Context) map[string]transfer.Remote {
	files := map[string]transfer.Remote{}
	if r != nil {
		for source, f := range r.got {
			f.Files = until{f.Files, ctx}
			files[source] = f.Remote
		}
	}
	return files
}

// pinned says that the step itself names the content of its one remote source.
func (c *copyFiles) pinned() bool { return c.step.Checksum != "" && len(c.step.Sources) == 1 }

// fetch gets the remote sources, once, unless they are not wanted yet.
func (c *copyFiles) fetch(ctx context.Context, later bool) error {
	if later || c.remotes != nil || len(transfer.Local(c.step)) == len(c.step.Sources) {
		return nil
	}
	r := &remotes{map[string]fetched{}}
	for _, source := range c.step.Sources {
		if _, again := r.got[source]; again || ir.Remote(source) == ir.RemoteNone {
			continue
		}
		got, err := c.fetchOne(ctx, source)
		if err != nil {
			return c.fetchFailure(source, err)
		}
		files, err := buildctx.Open(got.Dir, buildctx.Options{})
		if err != nil {
			return err
		}
		c.inputs.keep(files)
		r.got[source] = fetched{transfer.Remote{Files: transfer.Context(files), Name: got.Name, Time: got.Time}, got.Digest}
	}
	c.remotes = r
	return nil
}

// fetchOne fetches one source, and reports it unless the step itself names its
// content.
func (c *copyFiles) fetchOne(ctx context.Context, source string) (got remote.Fetched, err error) {
	dir, err := c.folder()
	if err != nil {
		return remote.Fetched{}, err
	}
	kind := "url"
	if ir.Remote(source) == ir.RemoteGit {
		kind = "git"
		got, err = c.git(ctx, source, dir)
	} else {
		got, err = remote.URL(ctx, source, dir, remote.URLOptions{
			Checksum: c.step.Checksum,
			Progress: func(now, all int64) { c.Job.Progress(c.ref, source, now, all) },
		})
	}
	if err == nil && !c.pinned() {
		c.Job.InputRead(kind, source, got.Digest)
	}
	if err != nil {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	return got, err
}

func (c *copyFiles) git(ctx context.Context, source, dir string) (remote.Fetched, error) {
	o := remote.GitOptions{Checksum: c.step.Checksum, KeepGitDir: c.step.KeepGitDir}
	if remote.NeedsAgent(source) {
		agent, ok, err := c.Job.SSH(ctx, "default")
		if err != nil {
			return remote.Fetched{}, err
		}
		if ok {
			o.Agent = agent
		}
	}
	return remote.Git(ctx, source, dir, o)
}

// fetchFailure says whose fault it is that a source was not fetched.
func (c *copyFiles) fetchFailure(source string, err error) error {
	var other *remote.ChecksumError
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, remote.ErrNoGit):
		f := backend.Machinef(c.ref, "ADD of a git repository needs git, and %v", remote.ErrNoGit)
		f.Help = "install git, or add an archive of the repository by its URL"
		return f
	case errors.As(err, &other):
		f := backend.Sourcef(c.ref, "%q has digest %s, not %s", source, other.Got, other.Want)
		f.Help = "check the source, and then the --checksum"
		return f
	case backend.Full(nil, err) != nil:
		return err
	}
	return backend.Sourcef(c.ref, "cannot fetch %q: %v", source, err)
}
