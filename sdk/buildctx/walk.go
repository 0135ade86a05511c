// SPDX-License-Identifier: Apache-2.0

package buildctx

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Entry is one file, folder, link or other thing in a context.
type Entry struct {
	// Path is where it is.
	Path string
	// Info is what is known about it; links are not followed.
	Info fs.FileInfo
}

// Walk calls fn for everything below a folder that the context does not hide,
// a folder before what it holds, names in byte order. A hidden folder is
// visited when something inside is put back, just before the first such thing.
// The folder itself is not visited. Links are not followed; name must not lead
// through one (see Resolve).
//
// When fn returns fs.SkipDir for a folder, what it holds is skipped; any other
// error ends the walk and is returned.
func (c *Context) Walk(name string, fn func(Entry) error) error {
	name = relative(name)
	w := walker{ctx: c, fn: fn}
	return w.folder(name, c.ignore.state(name))
}

type walker struct {
	ctx *Context
	fn  func(Entry) error
	// pending are hidden folders around the current one, outermost first, that
	// fn has not seen.
	pending []Entry
}

func (w *walker) folder(name string, s state) error {
	entries, err := w.ctx.list(name)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := w.entry(path.Join(name, e.Name()), e, s); err != nil {
			return err
		}
	}
	return nil
}

// list returns the entries of a folder in byte order.
func (c *Context) list(name string) ([]fs.DirEntry, error) {
	f, err := c.root.Open(local(name))
	if err != nil {
		return nil, c.pathError(name, err)
	}
	defer f.Close()
	entries, err := f.ReadDir(-1)
	if err != nil {
		return nil, c.pathError(name, err)
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}

func (w *walker) entry(name string, e fs.DirEntry, above state) error {
	g := w.ctx.ignore
	here := state{by: none}
	switch {
	case g == nil:
	case e.IsDir():
		here = g.below(above, name)
	default:
		here.by = g.decide(name, above.matched, nil)
	}
	if here.by != none && (!e.IsDir() || g.closed(name, here.by)) {
		return nil
	}
	info, err := e.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return nil // gone since the folder was read
	}
	if err != nil {
		return w.ctx.pathError(name, err)
	}
	return w.visit(Entry{name, info}, here)
}

func (w *walker) visit(e Entry, s state) error {
	if s.by != none {
		return w.hidden(e, s)
	}
	around := w.pending
	w.pending = w.pending[:0]
	for _, p := range around {
		if err := w.call(p); err != nil {
			return err
		}
	}
	if err := w.call(e); err != nil || !e.Info.IsDir() {
		return resume(e, err)
	}
	return resume(e, w.folder(e.Path, s))
}

// hidden looks inside a hidden folder for what is put back.
func (w *walker) hidden(e Entry, s state) error {
	n := len(w.pending)
	w.pending = append(w.pending, e)
	err := w.folder(e.Path, s)
	if len(w.pending) > n {
		w.pending = w.pending[:n]
	}
	return resume(e, err)
}

// skipFolder is the path of a folder whose content fn does not want.
type skipFolder string

func (s skipFolder) Error() string { return "skip " + string(s) }

func (w *walker) call(e Entry) error {
	err := w.fn(e)
	if errors.Is(err, fs.SkipDir) && e.Info.IsDir() {
		return skipFolder(e.Path)
	}
	return err
}

// resume ends the skipping of e.
func resume(e Entry, err error) error {
	if errors.Is(err, skipFolder(e.Path)) {
		return nil
	}
	return err
}
