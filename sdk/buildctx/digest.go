// SPDX-License-Identifier: Apache-2.0

package buildctx

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Digest returns a digest, "sha256:…", of everything that COPY of the given
// paths depends on: each path as given, and for it and all that it holds the
// name, the type, the permission, setuid, setgid and sticky bits, the content,
// the target of a link, the number of a device and the extended attributes
// that builders keep (security.capability and user.*). Owner and times do not
// count; nor does what the context hides.
//
// A path that leads through links, or is one, stands for what Resolve says. A
// path that does not exist is an fs.ErrNotExist; a hidden one is an
// ExcludedError.
func (c *Context) Digest(paths ...string) (string, error) {
	sum := sha256.New()
	for _, name := range paths {
		nodes, err := c.nodes(name)
		if err != nil {
			return "", err
		}
		if err := c.hashFiles(nodes); err != nil {
			return "", err
		}
		writeBytes(sum, name)
		writeUint(sum, uint64(len(nodes)))
		for i := range nodes {
			nodes[i].write(sum)
		}
	}
	return "sha256:" + hex.EncodeToString(sum.Sum(nil)), nil
}

// node is an entry with what its content comes to: the digest of a file, the
// target of a link.
type node struct {
	Entry
	name    string // relative to the path asked for
	content string
}

// nodes lists a path and all that it holds.
func (c *Context) nodes(name string) ([]node, error) {
	at, err := c.Resolve(name)
	if err != nil {
		return nil, err
	}
	info, err := c.root.Lstat(local(at))
	if err != nil {
		return nil, c.pathError(name, err)
	}
	nodes := []node{{Entry: Entry{at, info}}}
	if !info.IsDir() {
		return nodes, nil
	}
	err = c.Walk(at, func(e Entry) error {
		n := node{Entry: e, name: e.Path}
		if at != "." {
			n.name = e.Path[len(at)+1:]
		}
		if e.Info.Mode()&fs.ModeSymlink != 0 {
			if n.content, err = c.root.Readlink(local(e.Path)); err != nil {
				return c.pathError(e.Path, err)
			}
		}
		nodes = append(nodes, n)
		return nil
	})
	if err == nil && len(nodes) == 1 {
		err = c.shownEmpty(name, at)
	}
	return nodes, err
}

// shownEmpty reports a hidden folder in which nothing was put back after all.
func (c *Context) shownEmpty(asked, at string) error {
	if rule, hidden := c.Excluded(at); hidden {
		return &ExcludedError{asked, rule}
	}
	return nil
}

// kept are the mode bits that COPY keeps.
const kept = fs.ModePerm | fs.ModeType | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky

func (n *node) write(w io.Writer) {
	writeBytes(w, n.name)
	mode := n.Info.Mode() & kept
	if mode&fs.ModeSymlink != 0 {
		mode &= fs.ModeType // the bits of a link mean nothing
	}
	writeUint(w, uint64(mode))
	writeBytes(w, n.content)
}

func writeUint(w io.Writer, n uint64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], n)
	_, _ = w.Write(b[:]) // a hash never fails
}

func writeBytes(w io.Writer, s string) {
	writeUint(w, uint64(len(s)))
	_, _ = io.WriteString(w, s)
}

// hashFiles fills in what is not a link: from the memo, else by reading, a file
// on each processor at a time.
func (c *Context) hashFiles(nodes []node) error {
	var todo []*node
	for i := range nodes {
		n := &nodes[i]
		if n.Info.Mode()&fs.ModeSymlink != 0 {
			continue
		}
		var known bool
		if n.content, known = c.memo.get(n.Path, n.Info); !known {
			todo = append(todo, n)
		}
	}
	errs := make([]error, len(todo))
	var next atomic.Int64
	var group sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(todo)) {
		group.Go(func() {
			h := hasher{sum: sha256.New(), buf: make([]byte, 64<<10)}
			for i := next.Add(1) - 1; i < int64(len(todo)); i = next.Add(1) - 1 {
				errs[i] = c.hashNode(&h, todo[i])
			}
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// hasher is what one goroutine hashes with.
type hasher struct {
	sum hash.Hash
	buf []byte
}

// hashNode sets the content of a file, folder, device or pipe. Only files and
// folders are opened.
func (c *Context) hashNode(h *hasher, n *node) error {
	h.sum.Reset()
	if n.Info.Mode().IsRegular() || n.Info.IsDir() {
		if err := c.hashOpen(h, n); err != nil {
			return c.pathError(n.Path, err)
		}
	} else {
		writeUint(h.sum, device(n.Info))
	}
	n.content = string(h.sum.Sum(nil))
	return nil
}

var errChanged = errors.New("it changed while it was read; build again when nothing writes to it")

// hashOpen hashes content and attributes. The memo learns only what did not
// change meanwhile.
func (c *Context) hashOpen(h *hasher, n *node) error {
	began := time.Now()
	f, err := c.root.OpenFile(local(n.Path), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	before, err := f.Stat()
	if err != nil {
		return err
	}
	if before.Mode().Type() != n.Info.Mode().Type() {
		return errChanged
	}
	if before.Mode().IsRegular() {
		if _, err := io.CopyBuffer(h.sum, struct{ io.Reader }{f}, h.buf); err != nil {
			return err
		}
	}
	attrs, err := attributes(f)
	if err != nil {
		return fmt.Errorf("reading extended attributes: %w", err)
	}
	if len(attrs) > 0 {
		content := h.sum.Sum(nil)
		h.sum.Reset()
		writeBytes(h.sum, string(content))
		writeBytes(h.sum, string(bytes.Join(attrs, nil)))
	}
	after, err := f.Stat()
	if err == nil && c.memo != nil {
		c.memo.put(n.Path, before, after, began, h.sum.Sum(nil))
	}
	return err
}
