// SPDX-License-Identifier: Apache-2.0

package rootfs

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// furnish makes the topmost and the lowest folder. The topmost has the folders
// of which the layers do not say what they look like, and the mount points that
// are missing. The lowest has the folders with whiteouts: in a folder that no
// layer below has, overlay would show these.
func (o *overlay) furnish() error {
	wanted, holed := map[string]bool{".": true}, map[string]bool{}
	for i, a := range o.seen {
		for _, dir := range a.Unsure {
			if o.linked(string(dir), i) {
				return &refusal{reason: fmt.Sprintf("a layer has files below %q, which was a link then", dir)}
			}
		}
		for _, dir := range a.Frame {
			wanted[string(dir)] = true
		}
		for _, dir := range a.Holed {
			wanted[string(dir)], holed[string(dir)] = true, true
		}
	}
	for name := range o.root.stubs {
		wanted[name] = true
	}
	names := withAbove(wanted)
	have, err := nodes(o.root.before, names)
	if err != nil {
		return err
	}
	for name, n := range o.root.stubs {
		have[name] = n
	}
	if err := o.frame(names, have); err != nil {
		return err
	}
	if err := o.floor(withAbove(holed), have); err != nil {
		return err
	}
	return o.dressUpper(have["."])
}

// withAbove returns names and all folders above them, as a walk meets them.
func withAbove(names map[string]bool) []string {
	for _, name := range slices.Collect(maps.Keys(names)) {
		above(name, func(dir string) bool {
			added := !names[dir]
			names[dir] = true
			return added
		})
	}
	return slices.SortedFunc(maps.Keys(names), tree.Compare)
}

// frame makes the topmost lower folder.
func (o *overlay) frame(names []string, have map[string]*tree.Node) error {
	p, err := openPlace(o.temp(frameName))
	if err != nil {
		return err
	}
	defer p.close()
	for _, name := range names {
		dir, _ := split(name)
		if name == "." || dir != "." && (have[dir] == nil || have[dir].Kind != tree.Dir) {
			continue
		}
		if err := o.framed(p, name, have[name]); err != nil {
			return err
		}
	}
	return dressAll(p, names, have, o.root.id, nil)
}

// framed makes a file of the frame. A folder that is not in the tree is hidden:
// it may be that a layer has it for a whiteout only, of what no layer has.
func (o *overlay) framed(p *place, name string, n *tree.Node) error {
	at, err := p.at(name)
	switch {
	case err != nil:
		return err
	case n == nil:
		return unix.Mknodat(at.fd, at.base, unix.S_IFCHR, 0)
	case n.Kind == tree.Dir:
		return unix.Mkdirat(at.fd, at.base, 0o700)
	case o.root.stubs[name] != nil:
		return makeFile(at, n, strings.NewReader(""), o.root.id, nil)
	}
	return o.replaced(name)
}

// floor makes the lowest folder.
func (o *overlay) floor(names []string, have map[string]*tree.Node) error {
	p, err := openPlace(o.temp(floorName))
	if err != nil {
		return err
	}
	defer p.close()
	for _, name := range names {
		if n := have[name]; n == nil || n.Kind != tree.Dir || name == "." {
			continue
		}
		at, err := p.at(name)
		if err == nil {
			err = unix.Mkdirat(at.fd, at.base, 0o700)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// linked says whether the topmost layer that has a name, of the first n, has a
// symbolic link there.
func (o *overlay) linked(name string, n int) bool {
	for i := n - 1; i >= 0; i-- {
		if kind := o.kind(i, name); kind != 0 {
			return kind == unix.S_IFLNK
		}
	}
	return false
}

// kind is the kind of file that a layer has by a name, 0 when it has none.
func (o *overlay) kind(layer int, name string) uint32 {
	p, err := openPlace(o.lowers[layer])
	if err != nil {
		return 0
	}
	defer p.close()
	var st unix.Stat_t
	at, err := p.at(name)
	if err != nil || unix.Fstatat(at.fd, at.base, &st, unix.AT_SYMLINK_NOFOLLOW) != nil {
		return 0
	}
	return st.Mode & unix.S_IFMT
}

// replaced makes sure that a name which is a folder in a layer is something
// else by a layer above, as it is in the tree. Otherwise it was a link when the
// layer was made, and the layer is meant for where that leads.
func (o *overlay) replaced(name string) error {
	for i := len(o.seen) - 1; i >= 0; i-- {
		switch o.kind(i, name) {
		case 0:
		case unix.S_IFDIR:
			return &refusal{reason: fmt.Sprintf("a layer has files below %q, which is no folder in the tree", name)}
		default:
			return nil
		}
	}
	return nil
}

// dressUpper makes the root of the overlay look as that of the tree.
func (o *overlay) dressUpper(n *tree.Node) error {
	if n == nil {
		return errors.New("the tree has no root")
	}
	p, err := openPlace(o.files())
	if err != nil {
		return err
	}
	defer p.close()
	return dressFolder(spot{p.fd, "."}, n, o.root.id)
}
