// SPDX-License-Identifier: Apache-2.0

//go:build system && linux

package rootfs

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/driver"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// past is when all files of test layers were made.
var past = time.Unix(1700000000, 0).UTC()

// file is an entry that puts a file.
func file(name, content string, opts ...func(*tree.Node)) layer.Entry {
	e := put(name, &tree.Node{Kind: tree.File, Mode: 0o644, Size: int64(len(content))}, opts)
	e.Open = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil }
	return e
}

func dir(name string, opts ...func(*tree.Node)) layer.Entry {
	return put(name, &tree.Node{Kind: tree.Dir, Mode: 0o755}, opts)
}

func symlink(name, target string) layer.Entry {
	return put(name, &tree.Node{Kind: tree.Symlink, Mode: 0o777, Target: target}, nil)
}

func put(name string, n *tree.Node, opts []func(*tree.Node)) layer.Entry {
	n.ModTime = past
	for _, opt := range opts {
		opt(n)
	}
	return layer.Entry{Change: tree.Change{Name: name, Node: n}}
}

func mode(m uint32) func(*tree.Node)     { return func(n *tree.Node) { n.Mode = m } }
func owner(u, g uint32) func(*tree.Node) { return func(n *tree.Node) { n.UID, n.GID = u, g } }
func attr(name, value string) func(*tree.Node) {
	return func(n *tree.Node) {
		if n.Xattrs == nil {
			n.Xattrs = map[string]string{}
		}
		n.Xattrs[name] = value
	}
}

func link(name, target string) layer.Entry {
	return layer.Entry{Change: tree.Change{Op: tree.Link, Name: name, Target: target}}
}

func gone(name string) layer.Entry {
	return layer.Entry{Change: tree.Change{Op: tree.Remove, Name: name}}
}

// bench is a folder on one file system with layers in it.
type bench struct {
	t     testing.TB
	dir   string
	chain driver.Chain
	roots int
	// refused says that overlay cannot have the chain.
	refused bool
}

func newBench(t testing.TB, layers ...[]layer.Entry) *bench {
	t.Helper()
	b := &bench{t: t, dir: t.TempDir(), chain: driver.Chain{Tree: tree.Empty()}}
	t.Cleanup(func() {
		if err := RemoveAll(b.dir); err != nil {
			t.Error(err)
		}
	})
	for _, entries := range layers {
		b.add(entries)
	}
	return b
}

// add appends a layer to the chain.
func (b *bench) add(entries []layer.Entry) *layer.Layer {
	b.t.Helper()
	var buf bytes.Buffer
	l, err := layer.Write(&buf, entries)
	if err != nil {
		b.t.Fatal(err)
	}
	path := filepath.Join(b.dir, fmt.Sprintf("layer-%d.tar", len(b.chain.Layers)))
	if err := os.WriteFile(path, buf.Bytes(), 0o600); err != nil {
		b.t.Fatal(err)
	}
	b.chain.Layers = append(b.chain.Layers, layer.Source{Layer: l, Path: path})
	if b.chain.Tree, err = b.chain.Tree.Apply(l.Changes); err != nil {
		b.t.Fatal(err)
	}
	return l
}

// open opens the chain.
func (b *bench) open(o Options) *Root {
	b.t.Helper()
	b.roots++
	o.State, o.Temp = filepath.Join(b.dir, "state"), filepath.Join(b.dir, fmt.Sprintf("temp-%d", b.roots))
	if err := os.Mkdir(o.Temp, 0o700); err != nil {
		b.t.Fatal(err)
	}
	r, err := Open(b.chain.Layers, Of(b.chain.Tree), o)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		if err := r.Close(); err != nil {
			b.t.Error(err)
		}
	})
	if !o.Copy && (r.WhyCopy() != "") != b.refused {
		b.t.Fatalf("an overlay is refused: %v; why: %q", b.refused, r.WhyCopy())
	}
	return r
}

// text shows entries, one on a line, without times.
func text(t testing.TB, entries []layer.Entry) string {
	t.Helper()
	var out strings.Builder
	for _, e := range entries {
		fmt.Fprintln(&out, line(t, e))
	}
	return out.String()
}

func line(t testing.TB, e layer.Entry) string {
	t.Helper()
	switch e.Op {
	case tree.Remove:
		return fmt.Sprintf("- %q", e.Name)
	case tree.Clear:
		return fmt.Sprintf("! %q", e.Name)
	case tree.Link:
		return fmt.Sprintf("= %q %q", e.Name, e.Target)
	}
	n := e.Node
	s := fmt.Sprintf("%s %q %04o %d:%d", [...]string{"f", "d", "l", "c", "b", "p"}[n.Kind], e.Name, n.Mode, n.UID, n.GID)
	if n.Target != "" {
		s += fmt.Sprintf(" -> %q", n.Target)
	}
	if len(n.Xattrs) > 0 {
		s += fmt.Sprintf(" %q", n.Xattrs)
	}
	if e.Open == nil {
		return s
	}
	r, err := e.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil || int64(len(data)) != n.Size {
		t.Fatalf("%q: %d of %d bytes, %v", e.Name, len(data), n.Size, err)
	}
	return s + fmt.Sprintf(" %.40q", data)
}
