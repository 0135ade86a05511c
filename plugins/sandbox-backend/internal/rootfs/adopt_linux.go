// SPDX-License-Identifier: Apache-2.0

package rootfs

import (
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// adopt makes the upper folder that of a layer. It was found plain, so all
// that is left to do is to give files the times they have in the layer, and to
// take away marks of folders that hide nothing.
func (o *overlay) adopt(l *layer.Layer, d *diff) error {
	if err := o.unmount(); err != nil {
		return err
	}
	a, err := o.settle(l, d)
	if err != nil {
		return err
	}
	_, err = o.layers.adopt(l.Digest, o.files(), o.temp("adopted"), a)
	return err
}

// settle makes the upper folder look as if the layer had been unpacked.
func (o *overlay) settle(l *layer.Layer, d *diff) (*about, error) {
	p, err := openPlace(o.files())
	if err != nil {
		return nil, err
	}
	defer p.close()
	put, cleared := map[string]*tree.Node{}, map[string]bool{}
	frame, holed := map[string]bool{}, map[string]bool{}
	for _, c := range l.Changes {
		switch c.Op {
		case tree.Put:
			put[c.Name] = c.Node
		case tree.Clear:
			cleared[c.Name] = true
		case tree.Remove:
			dir, _ := split(c.Name)
			holed[dir] = true
		}
	}
	for _, name := range slices.Backward(d.order) {
		f := d.found[name]
		if f.fresh && !cleared[name] {
			if err := bare(p, name); err != nil {
				return nil, err
			}
		}
		n := put[name]
		if n == nil {
			frame[name] = f.node != nil && f.node.Kind == tree.Dir
			continue
		}
		at, err := p.at(name)
		if err == nil {
			err = setTime(at, n.ModTime)
		}
		if err != nil {
			return nil, fmt.Errorf("file %q: %w", name, err)
		}
	}
	return &about{Frame: sorted(frame), Holed: sorted(holed)}, nil
}

// bare takes the mark from a folder that hides what is below.
func bare(p *place, name string) error {
	at, err := p.at(name)
	if err != nil {
		return err
	}
	fd, err := openat(at.fd, at.base, openFolder, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.Fremovexattr(fd, opaque)
}

// isOpaque says that a folder hides what is below it.
func isOpaque(fd int) bool {
	buf := make([]byte, 1)
	n, err := unix.Fgetxattr(fd, opaque, buf)
	return err == nil && n == 1 && buf[0] == 'y'
}
