// SPDX-License-Identifier: Apache-2.0

package transfer

import (
	"archive/tar"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/tonistiigi/dchapes-mode"
	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/files"
	"github.com/zlayer/zlayer/sdk/buildctx"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/passwd"
)

// Problem is an error of the user's source.
type Problem struct {
	// Message is one sentence: what is wrong.
	Message string
	// Help is one sentence: what to do. May be empty.
	Help string
}

// Error returns the message.
func (p *Problem) Error() string { return p.Message }

// Remote is a source of ADD that was fetched.
type Remote struct {
	// Name is the name of a file. Empty for a folder.
	Name string
	// Files is the tree that it is in, and Path its path there.
	Files *files.Tree
	Path  string
	// Time is when all of it counts as written to.
	Time time.Time
}

// Job is what a transfer works with.
type Job struct {
	// Step is what to do.
	Step *irv1.Transfer
	// From holds the sources that are paths. Nil when there are none.
	From *files.Tree
	// Keep says that the owners of the sources are kept, as they are when the
	// sources are an image's files.
	Keep bool
	// Remotes are the other sources, by their text.
	Remotes map[string]Remote
	// Idle is told of sources that are patterns and match nothing. May be nil.
	Idle func(source string)
	// Onto is the tree that the layer goes onto.
	Onto *files.Tree
	// Scratch is a folder on disk that is removed after the layer is written.
	Scratch string
}

// Layer is a layer to be written as a tar.
type Layer interface {
	io.WriterTo
}

// Plan decides what the layer of a COPY or ADD holds: nothing, when no source
// matches anything.
func Plan(job Job) (Layer, error) {
	p := planner{Job: job, layer: newLayer()}
	if err := p.settings(); err != nil {
		return nil, err
	}
	found, err := p.sources()
	if err != nil {
		return nil, err
	}
	if len(found)+len(p.Step.Inline) == 0 {
		return p.layer, nil
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
		p.inline(f)
	}
	if job.Step.Link {
		return p.layer, p.layer.check() // it does not know what it goes onto
	}
	return p.layer, p.layer.settle(job.Onto)
}

// planner fills a layer.
type planner struct {
	Job
	layer *layer
	// own is the owner by --chown; nil when there is none.
	own *owner
	// mode changes permissions; nil when there is no --chmod.
	mode func(fs.FileMode) fs.FileMode
	// made is the mode of folders that come from no source.
	made int64
	// exclude are the rules of --exclude.
	exclude *buildctx.Ignore
	// dest is where to, without a leading "/".
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
		uid, gid, err := passwd.Owner(p.Onto.OpenResolved, p.Step.Chown)
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
	return nil
}

// parseMode reads the octal or symbolic mode of --chmod: how it changes modes,
// and what that of made folders is. As in BuildKit a symbolic mode does not
// touch these, and an octal one gives them its permissions alone; but who may
// read them may enter them.
func parseMode(text string) (change func(fs.FileMode) fs.FileMode, made int64, err error) {
	if text == "" {
		return nil, usual, nil
	}
	if bits, err := strconv.ParseUint(text, 8, 12); err == nil {
		return func(fs.FileMode) fs.FileMode { return unixMode(uint32(bits)) }, int64(bits&0o777 | bits&0o444>>2), nil
	}
	set, err := mode.Parse(text)
	if err != nil {
		return nil, 0, &Problem{Message: fmt.Sprintf("--chmod=%s is neither an octal nor a symbolic mode", text), Help: "write it like 755 or u=rwX,go=rX"}
	}
	return set.Apply, usual, nil
}

// unixMode turns permission bits as in octal modes into Go's.
func unixMode(bits uint32) fs.FileMode {
	m := fs.FileMode(bits & 0o777)
	for bit, flag := range map[uint32]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if bits&bit != 0 {
			m |= flag
		}
	}
	return m
}

// octal is the reverse of unixMode.
func octal(m fs.FileMode) int64 {
	bits := int64(m.Perm())
	for flag, bit := range map[fs.FileMode]int64{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
		if m&flag != 0 {
			bits |= bit
		}
	}
	return bits
}

// maker is the owner of what has none.
func (p *planner) maker() owner {
	if p.own != nil {
		return *p.own
	}
	return owner{}
}

// onto is the tree that places are looked up in; nil for none.
func (p *planner) onto() *files.Tree {
	if p.Step.Link {
		return nil
	}
	return p.Onto
}

// folder is a folder that comes from no source.
func (p *planner) folder() *item {
	i := madeFolder(p.maker())
	i.header.Mode = p.made
	return i
}

// aim finds the destination and adds the folders above it that are missing.
func (p *planner) aim(found []source) error {
	at, err := land(p.onto(), p.Step.Destination)
	if err != nil {
		return err
	}
	exists := at.info != nil
	p.dest, p.fresh = at.name, !exists
	p.into = strings.HasSuffix(p.Step.Destination, "/") || at.name == "" || exists && at.info.IsDir() ||
		len(found)+len(p.Step.Inline) > 1 || p.Step.Parents
	needsFolder := p.into
	for _, s := range found {
		needsFolder = needsFolder || s.info.IsDir() || s.unpack
	}
	if needsFolder && exists && !at.info.IsDir() {
		return &Problem{
			Message: fmt.Sprintf("the destination %q is a file in the image, and a folder is needed", "/"+at.name),
			Help:    "name another destination, or remove the file first",
		}
	}
	for _, dir := range at.missing {
		p.layer.put(dir, p.folder())
	}
	if p.into && p.fresh {
		p.layer.put(p.dest, p.folder())
	}
	return nil
}

// source adds one source.
func (p *planner) source(s source) error {
	p.time = s.time
	switch {
	case s.unpack:
		return p.archive(s)
	case p.Step.Parents && !s.remote:
		return p.withParents(s)
	case s.info.IsDir():
		return p.contents(s)
	}
	name := p.dest
	if p.into {
		name = path.Join(p.dest, s.name)
	}
	return p.file(s.tree, s.path, s.info, name, s.name, s.keep)
}

// withParents adds a source below its own folders. A "/./" in the source says
// from where on they count.
func (p *planner) withParents(s source) error {
	rel := s.asked
	if before, _, ok := strings.Cut(s.pattern, "/./"); ok {
		rel = withoutParts(rel, strings.Count(path.Clean("/"+before), "/"))
	}
	for _, dir := range above(rel, "") {
		if err := p.parent(s, dir, rel); err != nil {
			return err
		}
	}
	target := path.Join(p.dest, rel)
	if !s.info.IsDir() {
		return p.file(s.tree, s.path, s.info, target, s.name, s.keep)
	}
	if err := p.file(s.tree, s.path, s.info, target, "", s.keep); err != nil {
		return err
	}
	return p.below(s, target)
}

// parent adds a folder above a source, as it is in the source's tree.
func (p *planner) parent(s source, dir, rel string) error {
	full := strings.TrimSuffix(strings.TrimSuffix(s.asked, rel), "/")
	real, err := s.tree.Resolve(path.Join(full, dir))
	if err != nil {
		return err
	}
	info, err := s.tree.Lstat(real)
	if err != nil {
		return err
	}
	return p.file(s.tree, real, info, path.Join(p.dest, dir), "", s.keep)
}

// withoutParts drops the first n parts of a path.
func withoutParts(name string, n int) string {
	parts := strings.Split(name, "/")
	return strings.Join(parts[min(n, len(parts)-1):], "/")
}

// contents adds what a folder holds. A destination that is new takes over the
// folder's time, and nothing else of it.
func (p *planner) contents(s source) error {
	if p.fresh {
		i := p.folder()
		i.header.ModTime = p.when(s.path, s.info, s.keep)
		p.layer.put(p.dest, i)
	}
	return p.below(s, p.dest)
}

func (p *planner) below(s source, dest string) error {
	return s.tree.Walk(s.path, func(e buildctx.Entry) error {
		rel := e.Path
		if s.path != "." {
			rel = strings.TrimPrefix(rel, s.path+"/")
		}
		return p.file(s.tree, e.Path, e.Info, path.Join(dest, rel), rel, s.keep)
	})
}

// inline adds a here-document.
func (p *planner) inline(f *irv1.InlineFile) {
	name := p.dest
	if p.into {
		name = path.Join(p.dest, f.Name)
	}
	o := p.maker()
	p.layer.put(name, &item{
		header: tar.Header{
			Typeflag: tar.TypeReg, Mode: octal(p.chmod(0o644)), ModTime: Epoch,
			Uid: int(o.uid), Gid: int(o.gid), Size: int64(len(f.Content)),
		},
		open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(string(f.Content))), nil },
	})
}

func (p *planner) chmod(m fs.FileMode) fs.FileMode {
	if p.mode == nil {
		return m
	}
	return p.mode(m)
}
