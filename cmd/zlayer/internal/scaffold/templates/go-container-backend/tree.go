// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// file is a file, folder, link or other thing. It never changes; names that are
// one file (hard links) have the same one.
type file struct {
	tar.Header // without Name
	// open reads its content. Nil when it has none.
	open func() (io.ReadCloser, error)
}

func (f *file) isDir() bool  { return f != nil && f.Typeflag == tar.TypeDir }
func (f *file) isLink() bool { return f != nil && f.Typeflag == tar.TypeSymlink }

// alone is a copy of the file that has nothing to do with it.
func (f *file) alone() *file {
	other := *f
	return &other
}

// folder is a folder that a step makes. Its time is always the same, so that
// the same build gives the same layers.
func folder() *file {
	return &file{Header: tar.Header{Typeflag: tar.TypeDir, Mode: 0o755, ModTime: time.Unix(0, 0)}}
}

// tree is a file tree: files by clean path, without a slash in front; "" is the
// root.
type tree map[string]*file

func (t tree) clone() tree { return maps.Clone(t) }

// names are the paths of all files but the root: a folder before what is in it.
func (t tree) names() []string {
	list := slices.Collect(maps.Keys(t))
	slices.SortFunc(list, func(a, b string) int {
		return strings.Compare(strings.ReplaceAll(a, "/", "\x00"), strings.ReplaceAll(b, "/", "\x00"))
	})
	return list[1:]
}

// below are the paths in a folder, at any depth.
func (t tree) below(dir string) []string {
	return slices.DeleteFunc(t.names(), func(name string) bool { return !inside(dir, name) })
}

// inside says whether a path is below a folder.
func inside(dir, name string) bool { return dir == "" || strings.HasPrefix(name, dir+"/") }

// relative is a path below a folder as seen from there.
func relative(dir, name string) string { return strings.TrimPrefix(name[len(dir):], "/") }

// remove removes what is at a path, and all below.
func (t tree) remove(name string) {
	maps.DeleteFunc(t, func(n string, _ *file) bool { return n == name || inside(name, n) })
}

// parent is the folder of a path; "" for the root's own.
func parent(name string) string {
	if dir := path.Dir(name); dir != "." {
		return dir
	}
	return ""
}

var errLoop = errors.New("its links lead nowhere: there are too many")

// follow returns where a path leads when all links are followed, inside of the
// tree. What is not there is as it is written.
func (t tree) follow(name string) (string, error) {
	const most = 100
	at, rest := "", strings.Split(name, "/")
	for links := 0; len(rest) > 0; {
		first := rest[0]
		rest = rest[1:]
		switch first {
		case "", ".":
			continue
		case "..":
			at = parent(at)
			continue
		}
		next := path.Join(at, first)
		if !t[next].isLink() {
			at = next
			continue
		}
		if links++; links > most {
			return "", errLoop
		}
		if path.IsAbs(t[next].Linkname) {
			at = ""
		}
		rest = append(strings.Split(t[next].Linkname, "/"), rest...)
	}
	return at, nil
}

// read reads a file of the tree, for package passwd.
func (t tree) read(name string) (io.ReadCloser, error) {
	at, err := t.follow(name)
	if err != nil {
		return nil, err
	}
	if f := t[at]; f != nil && f.open != nil {
		return f.open()
	}
	return nil, fs.ErrNotExist
}

// layer is a tree being changed, and where.
type layer struct {
	tree
	changed map[string]bool
}

// put puts a file where there is none or one like it: a folder only replaces a
// folder, which keeps what is in it, and the rest only what is no folder.
func (l *layer) put(name string, f *file) error {
	if strings.HasPrefix(path.Base(name), ".wh.") {
		return fmt.Errorf("/%s has a name that means a removal in a layer", name)
	}
	if there := l.tree[name]; there != nil && there.isDir() != f.isDir() {
		return fmt.Errorf("/%s is there, and only one of both is a folder", name)
	}
	l.tree[name], l.changed[name] = f, true
	return nil
}

// mkdir makes a folder and those above it where they are missing.
func (l *layer) mkdir(name string, made *file) error {
	switch there := l.tree[name]; {
	case there.isDir():
		return nil
	case there != nil:
		return fmt.Errorf("/%s is no folder", name)
	}
	if err := l.mkdir(parent(name), made); err != nil {
		return err
	}
	return l.put(name, made)
}

// write writes the changes as an uncompressed tar.
func (l *layer) write(ctx context.Context, name string) error {
	out, err := os.Create(name)
	if err != nil {
		return err
	}
	defer out.Close()
	w := tar.NewWriter(out)
	first := map[*file]string{} // the first name of each file
	for _, name := range l.names() {
		if !l.changed[name] {
			continue
		}
		f := l.tree[name]
		h, open := f.Header, f.open
		if other, ok := first[f]; ok && !f.isDir() {
			h.Typeflag, h.Linkname, h.Size, open = tar.TypeLink, other, 0, nil
		}
		first[f] = name
		if h.Name = name; f.isDir() {
			h.Name += "/"
		}
		if err := entry(ctx, w, &h, open); err != nil {
			return fmt.Errorf("writing /%s: %w", name, err)
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return out.Close()
}

// entry writes a file of a layer.
func entry(ctx context.Context, w *tar.Writer, h *tar.Header, open func() (io.ReadCloser, error)) error {
	if err := w.WriteHeader(h); err != nil || open == nil {
		return err
	}
	in, err := open()
	if err != nil {
		return err
	}
	defer in.Close()
	_, err = io.Copy(w, until{ctx, in})
	return err
}

// until reads as long as nobody has cancelled it.
type until struct {
	ctx context.Context // a reader cannot have it otherwise
	io.Reader
}

func (u until) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.Reader.Read(p)
}
