// SPDX-License-Identifier: Apache-2.0

package transfer

import (
	"bytes"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// source adds one source.
func (p *planner) source(s source) error {
	p.time = s.time
	switch {
	case s.unpack:
		return p.archive(s)
	case p.Step.Parents && !s.remote:
		return p.withParents(s)
	case s.file.Node.Kind == tree.Dir:
		return p.contents(s)
	case p.excluded(s.name):
		return nil
	}
	return p.file(s.files, s.path, s.file, p.target(s.name))
}

// excluded says whether --exclude leaves a path out. It is relative to the
// source.
func (p *planner) excluded(name string) bool {
	_, hidden := p.exclude.Excluded(name)
	return hidden
}

// withParents adds a source below its own folders. A "/./" in the source says
// from where on they count.
func (p *planner) withParents(s source) error {
	kept := s.asked
	if before, _, ok := strings.Cut(s.pattern, "/./"); ok {
		kept = withoutParts(kept, strings.Count(path.Clean("/"+before), "/"))
	}
	for _, dir := range above(kept) {
		if err := p.parent(s, dir, kept); err != nil {
			return err
		}
	}
	target := path.Join(p.dest, kept)
	isDir := s.file.Node.Kind == tree.Dir
	if !isDir && p.excluded(s.name) {
		return nil
	}
	if err := p.file(s.files, s.path, s.file, target); err != nil || !isDir {
		return err
	}
	return p.below(s, target)
}

// parent adds a folder above a source, as it is in the source's tree.
func (p *planner) parent(s source, dir, kept string) error {
	start := strings.TrimSuffix(strings.TrimSuffix(s.asked, kept), "/")
	at, err := s.files.Resolve(path.Join(start, dir))
	if err != nil {
		return unreadable(s.asked, err)
	}
	f, err := s.files.Lstat(at)
	if err != nil {
		return unreadable(s.asked, err)
	}
	return p.file(s.files, at, f, path.Join(p.dest, dir))
}

// withoutParts drops the first n parts of a path, but never the last one.
func withoutParts(name string, n int) string {
	parts := strings.Split(name, "/")
	return strings.Join(parts[min(n, len(parts)-1):], "/")
}

// contents adds what a folder holds. A destination that is new takes over the
// folder's time, and nothing else of it.
func (p *planner) contents(s source) error {
	var err error
	switch {
	case p.fresh && p.Same:
		err = p.file(s.files, s.path, s.file, p.dest)
	case p.fresh:
		i := p.folder()
		if i.node.ModTime = p.time; p.time.IsZero() {
			i.node.ModTime = s.file.Node.ModTime
		}
		err = p.draft.put(p.dest, i)
	}
	if err != nil {
		return err
	}
	return p.below(s, p.dest)
}

// below adds what is below a folder.
func (p *planner) below(s source, dest string) error {
	err := s.files.Walk(s.path, func(name string, f File) error {
		rel := below(s.path, name)
		switch {
		case f.Node == nil:
			return nil
		case !p.excluded(rel):
			return p.file(s.files, name, f, path.Join(dest, rel))
		case p.prune && f.Node.Kind == tree.Dir:
			return fs.SkipDir
		}
		return nil
	})
	if err != nil {
		return unreadable(s.name, err)
	}
	return nil
}

// file adds one file, folder, link or device.
func (p *planner) file(files Files, name string, f File, to string) error {
	n, err := p.node(files, name, f)
	if err != nil {
		return err
	}
	i := &item{node: n, id: f.ID, from: name}
	if n.Kind == tree.File && n.Size > 0 {
		i.open = func() (io.ReadCloser, error) { return files.Open(name, f) }
	}
	return p.draft.put(to, i)
}

// node describes a file as the layer has it.
func (p *planner) node(files Files, name string, f File) (*tree.Node, error) {
	n := *f.Node
	n.Content = tree.Content{}
	if !p.time.IsZero() {
		n.ModTime = p.time
	}
	all, err := files.Xattrs(name, f)
	if err != nil {
		return nil, unreadable(name, err)
	}
	n.Xattrs = kept(all)
	p.change(&n)
	return &n, nil
}

// change applies --chown and --chmod.
func (p *planner) change(n *tree.Node) {
	if p.own != nil {
		n.UID, n.GID = p.own.uid, p.own.gid
	}
	if p.mode != nil && n.Kind != tree.Symlink {
		n.Mode = p.mode(n)
	}
}

// kept returns the extended attributes that belong into a layer. The others
// say something about the machine that a file was on.
func kept(all map[string]string) map[string]string {
	var some map[string]string
	for name, value := range all {
		if name != "security.capability" && (!strings.HasPrefix(name, "user.") || strings.HasPrefix(name, "user.overlay.")) {
			continue
		}
		if some == nil {
			some = map[string]string{}
		}
		some[name] = value
	}
	return some
}

// inline adds a here-document.
func (p *planner) inline(f *irv1.InlineFile) error {
	i := &item{
		node: &tree.Node{Kind: tree.File, Mode: 0o644, ModTime: Epoch, Size: int64(len(f.Content))},
		open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(f.Content)), nil },
	}
	p.change(i.node)
	return p.draft.put(p.target(f.Name), i)
}
