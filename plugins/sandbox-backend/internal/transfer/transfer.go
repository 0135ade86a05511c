// SPDX-License-Identifier: Apache-2.0

package transfer

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
	"github.com/zlayer/zlayer/sdk/buildctx"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/passwd"
)

// Remote is a source of ADD that was fetched.
type Remote struct {
	// Files is the folder that it is in.
	Files Files
	// Name is the name of the file that was fetched. Empty when the folder
	// itself was.
	Name string
	// Time is when all that was fetched counts as written to. The zero Time
	// leaves the times that there are.
	Time time.Time
}

// Job is what a transfer works with.
type Job struct {
	// Step is what to do.
	Step *irv1.Transfer
	// From holds the sources that are paths. Nil when there are none.
	From Files
	// Remotes are the other sources, by their text.
	Remotes map[string]Remote
	// Onto is what the layer goes onto. With --link only the names of --chown
	// are looked up in it.
	Onto Image
	// Temp is a folder on disk for what is unpacked. It must stay until the
	// layer is written.
	Temp string
	// Same says that the folder that is made for a folder is as its source, as
	// a mount shows it. COPY makes one of its own.
	Same bool
}

// Plan decides what the layer of a COPY or ADD holds. The entries are sorted,
// and the folders above each are among them; there are none when no source
// matches anything. A mistake of the user is a *Problem; so is what goes wrong
// with a source when an entry is read.
func Plan(job Job) ([]layer.Entry, error) {
	p := planner{Job: job, draft: newDraft(job.Onto.Tree)}
	if job.Step.Link {
		p.draft.onto = tree.Empty()
	}
	if err := p.settings(); err != nil {
		return nil, err
	}
	found, err := p.sources()
	if err != nil {
		return nil, err
	}
	if len(found)+len(p.Step.Inline) == 0 {
		return nil, nil
	}
	if err := p.aim(found); err != nil {
		return nil, err
	}
	for _, s := range found {
		if err := p.source(s); err != nil {
			return nil, err
		}
	}
	for _, f := range p.Step.Inline {
		if err := p.inline(f); err != nil {
			return nil, err
		}
	}
	return p.draft.entries(), nil
}

// planner fills a draft.
type planner struct {
	Job
	draft *draft
	// own is the owner by --chown; nil when there is none.
	own *owner
	// mode gives a file's new mode bits; nil when there is no --chmod.
	mode func(*tree.Node) uint32
	// made is the mode of folders that come from no source.
	made uint32
	// exclude are the rules of --exclude. prune says that none of them puts
	// anything back.
	exclude *buildctx.Ignore
	prune   bool
	// dest is where to.
	dest string
	// into says that dest is a folder that things are put into.
	into bool
	// fresh says that dest does not exist yet.
	fresh bool
	// time is that of all files of the source at hand; zero for their own.
	time time.Time
}

func (p *planner) settings() (err error) {
	if p.Step.Chown != "" {
		uid, gid, err := passwd.Owner(p.Onto.OpenFile, p.Step.Chown)
		if err != nil {
			return &Problem{Message: fmt.Sprintf("--chown=%s: %v", p.Step.Chown, err)}
		}
		p.own = &owner{uid, gid}
	}
	if p.mode, p.made, err = parseMode(p.Step.Chmod); err != nil {
		return err
	}
	if p.exclude, err = buildctx.NewIgnore(p.Step.Exclude); err != nil {
		return &Problem{Message: fmt.Sprintf("--exclude: %v", err)}
	}
	p.prune = !slices.ContainsFunc(p.exclude.Patterns(), func(r string) bool { return strings.HasPrefix(r, "!") })
	return nil
}

// maker is the owner of what has none.
func (p *planner) maker() owner {
	if p.own != nil {
		return *p.own
	}
	return owner{}
}

// folder is a folder that comes from no source.
func (p *planner) folder() *item {
	i := madeFolder(p.maker())
	i.node.Mode = p.made
	return i
}

// aim finds the destination and adds the folders above it that are missing.
func (p *planner) aim(found []source) error {
	at, err := p.draft.land(p.Step.Destination)
	if err != nil {
		return err
	}
	isDir := at.node != nil && at.node.Kind == tree.Dir
	p.dest, p.fresh = at.name, at.node == nil
	p.into = strings.HasSuffix(p.Step.Destination, "/") || isDir || len(found)+len(p.Step.Inline) > 1 || p.Step.Parents
	needsFolder := p.into || slices.ContainsFunc(found, source.isFolder)
	if needsFolder && !p.fresh && !isDir {
		return &Problem{
			Message: fmt.Sprintf("the destination %q is a file in the image, and a folder is needed", "/"+at.name),
			Help:    "name another destination, or remove the file first",
		}
	}
	made := at.missing
	if p.into && p.fresh {
		made = append(made, p.dest)
	}
	for _, dir := range made {
		if err := p.draft.put(dir, p.folder()); err != nil {
			return err
		}
	}
	return nil
}

// target is where a file of the given name goes.
func (p *planner) target(name string) string {
	if p.into {
		return path.Join(p.dest, name)
	}
	return p.dest
}
