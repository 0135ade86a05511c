// SPDX-License-Identifier: Apache-2.0

package rootfs

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Layer opens the tar of a layer, uncompressed.
type Layer func() (io.ReadCloser, error)

// Root is the file system that layers make together.
type Root struct {
	// Folder is the name of the folder it is put into. Empty: it is at the top.
	Folder string
	// Layers are its layers, lowest first.
	Layers []Layer

	plain bool // no name means a whiteout
}

// emit takes an entry of a file system: folders first, each before what it
// holds; then files, each before the hard links to it. Names are relative.
type emit func(h *tar.Header, content io.Reader) error

// flatten passes on one file system after the other.
func flatten(roots []Root, out emit) error {
	for _, r := range roots {
		if err := r.flatten(out); err != nil {
			return err
		}
	}
	return nil
}

func (r Root) flatten(out emit) error {
	t := &tree{root: newFolder(0), plain: r.plain, room: maxHeaders}
	if r.Folder == "" {
		return t.flatten(r.Layers, out)
	}
	if err := out(folder(r.Folder), nil); err != nil {
		return err
	}
	return t.flatten(r.Layers, below(r.Folder, out))
}

// below puts entries into a folder.
func below(dir string, out emit) emit {
	return func(h *tar.Header, content io.Reader) error {
		h.Name = dir + "/" + h.Name
		if h.Typeflag == tar.TypeLink {
			h.Linkname = dir + "/" + h.Linkname
		}
		return out(h, content)
	}
}

// folder is a folder of which no layer says anything.
func folder(name string) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: 0o755, ModTime: time.Unix(0, 0)}
}

func (t *tree) flatten(layers []Layer, out emit) error {
	// From each layer, what its entries brought, in their order.
	brought := make([][]*inode, len(layers))
	for i, l := range layers {
		err := each(l, func(h *tar.Header, _ io.Reader) error {
			in, err := t.add(h, i)
			brought[i] = append(brought[i], in)
			return err
		})
		if err != nil {
			return err
		}
	}
	if err := t.folders(out); err != nil {
		return err
	}
	for i, l := range layers {
		n := 0
		err := each(l, func(_ *tar.Header, content io.Reader) error {
			in := brought[i][n]
			n++
			return in.copy(content, out)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// each reads the entries of a layer, to its very end, so that its digest is
// checked.
func each(l Layer, see emit) (err error) {
	r, err := l()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	tr := tar.NewReader(r)
	for {
		h, err := tr.Next()
		if err == io.EOF {
			_, err := io.Copy(io.Discard, r)
			return err
		}
		if err != nil {
			return fmt.Errorf("reading the tar: %w", err)
		}
		if h.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		if err := see(h, tr); err != nil {
			return err
		}
	}
}

// folders passes on the folders, and tells the files their names.
func (t *tree) folders(out emit) (err error) {
	t.root.walk("", func(name string, n *node) {
		switch {
		case err != nil:
		case n.kids == nil:
			n.inode.names = append(n.inode.names, name)
		case n.inode == nil:
			err = out(folder(name), nil)
		default:
			err = out(n.inode.as(name+"/"), nil)
		}
	})
	return err
}

// copy passes on a file that is left, and the hard links to it.
func (in *inode) copy(content io.Reader, out emit) error {
	if in == nil || len(in.names) == 0 {
		return nil
	}
	if err := out(in.as(in.names[0]), content); err != nil {
		return err
	}
	for _, name := range in.names[1:] {
		h := in.as(name)
		h.Typeflag, h.Linkname, h.Size, h.PAXRecords = tar.TypeLink, in.names[0], 0, nil
		if err := out(h, nil); err != nil {
			return err
		}
	}
	return nil
}

// xattr begins the records of extended attributes.
const xattr = "SCHILY.xattr."

// as returns a header that says what the layer's says, and nothing of how the
// layer was written.
func (in *inode) as(name string) *tar.Header {
	h := in.header
	n := &tar.Header{
		Typeflag: h.Typeflag, Name: name, Linkname: h.Linkname, Size: h.Size, Mode: h.Mode, Uid: h.Uid, Gid: h.Gid,
		ModTime: h.ModTime.Truncate(time.Second), Devmajor: h.Devmajor, Devminor: h.Devminor,
	}
	if h.Typeflag != tar.TypeReg {
		n.Size = 0
	}
	for key, value := range h.PAXRecords {
		if strings.HasPrefix(key, xattr) {
			if n.PAXRecords == nil {
				n.PAXRecords = map[string]string{}
			}
			n.PAXRecords[key] = value
		}
	}
	return n
}

// WriteTar writes file systems as a tar with the owners, modes and times of the
// layers.
func WriteTar(w io.Writer, roots ...Root) error {
	tw := tar.NewWriter(w)
	err := flatten(roots, func(h *tar.Header, content io.Reader) error {
		if err := tw.WriteHeader(h); err != nil {
			return fmt.Errorf("writing %s: %w", h.Name, err)
		}
		if h.Typeflag != tar.TypeReg {
			return nil
		}
		_, err := io.Copy(tw, content)
		return err
	})
	if err != nil {
		return err
	}
	return tw.Close()
}
