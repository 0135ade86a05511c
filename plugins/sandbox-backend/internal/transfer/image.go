// SPDX-License-Identifier: Apache-2.0

package transfer

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// Image is the tree of an image or stage, and what opens the files in it. As a
// source its files keep their owners.
type Image struct {
	// Tree is the tree.
	Tree *tree.Tree
	// Content opens the content of a File of the tree that is not empty: what
	// is read is as long as the node says, or ends with an error.
	Content func(n *tree.Node) (io.ReadCloser, error)
}

var _ Files = Image{}

// Resolve follows all links in a name; see Files.
func (i Image) Resolve(name string) (string, error) { return i.Tree.Resolve(name) }

// Lstat describes what is at a name; see Files. The root has the time Epoch: few
// layers give it one.
func (i Image) Lstat(name string) (File, error) {
	n, err := i.Tree.Lstat(name)
	if err != nil {
		return File{}, err
	}
	if name == "." {
		root := *n
		root.ModTime = Epoch
		n = &root
	}
	return fileOf(n), nil
}

// Walk calls fn for all that is below a folder; see Files.
func (i Image) Walk(dir string, fn func(name string, f File) error) error {
	return i.Tree.Walk(dir, func(name string, n *tree.Node) error {
		if name == dir {
			return nil
		}
		err := fn(name, fileOf(n))
		if n.Kind != tree.Dir && errors.Is(err, fs.SkipDir) {
			return nil
		}
		return err
	})
}

func fileOf(n *tree.Node) File {
	if n.Kind != tree.File {
		return File{Node: n}
	}
	return File{Node: n, ID: n}
}

// Xattrs returns the extended attributes of a file.
func (i Image) Xattrs(_ string, f File) (map[string]string, error) { return f.Node.Xattrs, nil }

// Open opens a file; see Files.
func (i Image) Open(_ string, f File) (io.ReadCloser, error) {
	if f.Node.Size == 0 {
		return io.NopCloser(strings.NewReader("")), nil
	}
	return i.Content(f.Node)
}

// OpenFile opens the regular file that a name leads to. It is a passwd.Open.
func (i Image) OpenFile(name string) (io.ReadCloser, error) {
	at, err := i.Tree.Resolve(name)
	if errors.Is(err, syscall.ENOTDIR) {
		err = fmt.Errorf("%q: %w", name, fs.ErrNotExist)
	}
	if err != nil {
		return nil, err
	}
	n, err := i.Tree.Lstat(at)
	if err != nil {
		return nil, err
	}
	if n.Kind != tree.File {
		return nil, fmt.Errorf("%q is no regular file", "/"+at)
	}
	return i.Open(at, File{Node: n})
}

// Digest returns a digest of what COPY of some paths depends on; see Files.
func (i Image) Digest(names ...string) (string, error) {
	real := make([]string, len(names))
	for n, name := range names {
		var err error
		if real[n], err = i.Tree.Resolve(name); err != nil {
			return "", err
		}
	}
	content, err := i.Tree.Digest(real...)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %s", names, content))
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}
