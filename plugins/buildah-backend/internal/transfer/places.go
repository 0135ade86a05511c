// SPDX-License-Identifier: Apache-2.0

package transfer

import (
	"archive/tar"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/files"
)

// places says where the members of an archive go: through links that the layer
// itself has, which do not lead out of the destination. Links of the tree that
// the layer goes onto are settled later.
type places struct {
	layer *layer
	// top is the destination.
	top string
	// onto is the tree; nil for none.
	onto *files.Tree
	// dir is the folder that was asked for last, and real where it is: members
	// of one folder mostly follow each other.
	dir, real string
}

// put adds a member. A folder does not replace a link to a folder, and nothing
// else replaces a folder.
func (p *places) put(name string, i *item) error {
	at := path.Join(p.folder(path.Dir(name)), path.Base(name))
	there, isDir := p.layer.items[at], i.header.Typeflag == tar.TypeDir
	if there != nil {
		_, leads := p.leadsToFolder(at, there)
		switch {
		case isDir && leads:
			return nil
		case !isDir && there.header.Typeflag == tar.TypeDir:
			return &Problem{
				Message: fmt.Sprintf("%q is a folder in the image, and something else cannot replace it", "/"+at),
				Help:    "copy to another place, or remove the folder first",
			}
		}
	}
	if there != nil || i.header.Typeflag == tar.TypeSymlink {
		p.dir = ""
	}
	p.layer.put(at, i)
	return nil
}

// folder says where a folder of the archive really is. Where none is, one is
// made.
func (p *places) folder(name string) string {
	if name == "." {
		return p.top
	}
	if name != p.dir {
		p.real = p.step(path.Join(p.folder(path.Dir(name)), path.Base(name)))
		p.dir = name
	}
	return p.real
}

// step goes into a folder.
func (p *places) step(at string) string {
	i := p.layer.items[at]
	switch {
	case i == nil && p.inTree(at) != nil, i != nil && i.header.Typeflag == tar.TypeDir:
		return at
	case i != nil:
		if to, ok := p.leadsToFolder(at, i); ok {
			return to
		}
	}
	p.layer.put(at, madeFolder(owner{}))
	return at
}

// inTree describes what a name leads to in the tree; nil for nothing.
func (p *places) inTree(name string) fs.FileInfo {
	if p.onto == nil {
		return nil
	}
	at, err := p.onto.Resolve(name)
	if err != nil {
		return nil
	}
	info, err := p.onto.Lstat(at)
	if err != nil {
		return nil
	}
	return info
}

// leadsToFolder says whether an item is a link to a folder, and to which.
func (p *places) leadsToFolder(name string, i *item) (to string, ok bool) {
	if i.header.Typeflag != tar.TypeSymlink {
		return "", false
	}
	to, ok = p.follow(name)
	if !ok {
		return "", false
	}
	if i := p.layer.items[to]; i != nil {
		return to, i.header.Typeflag == tar.TypeDir
	}
	info := p.inTree(to)
	return to, to == p.top || info != nil && info.IsDir()
}

// follow goes along the links of the layer as if the destination were "/". It
// is not ok when there are too many.
func (p *places) follow(name string) (to string, ok bool) {
	at, links := p.top, 0
	for rest := strings.TrimPrefix(name, p.top); rest != ""; {
		var part string
		part, rest, _ = strings.Cut(rest, "/")
		next := path.Join(at, part)
		switch {
		case part == ".." && at == p.top:
			next = at
		case next == ".":
			next = "" // the root, as everywhere in a layer
		}
		i := p.layer.items[next]
		if i == nil || i.header.Typeflag != tar.TypeSymlink {
			at = next
			continue
		}
		if links++; links > maxLinks {
			return "", false
		}
		if path.IsAbs(i.header.Linkname) {
			at = p.top
		}
		rest = i.header.Linkname + "/" + rest
	}
	return at, true
}
