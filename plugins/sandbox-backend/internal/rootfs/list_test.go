// SPDX-License-Identifier: Apache-2.0

//go:build system && linux

package rootfs

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/driver"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// onDiskList shows all files below a folder, one on a line, by means that the
// package itself does not use. Times of the root are left out, and devices.
func onDiskList(t testing.TB, root string) string {
	t.Helper()
	var out strings.Builder
	links, count := map[uint64]string{}, map[uint64]int{}
	_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if info, err := os.Lstat(path); err == nil {
			count[info.Sys().(*syscall.Stat_t).Ino]++
		}
		return err
	})
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Lstat(path)
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		rel, _ := filepath.Rel(root, path)
		l := listed{name: rel, uid: st.Uid, gid: st.Gid, mode: st.Mode & 0o7777, sec: st.Mtim.Sec}
		switch st.Mode & syscall.S_IFMT {
		case syscall.S_IFREG:
			l.kind, l.data = "f", read(t, path)
			if count[st.Ino] > 1 {
				if links[st.Ino] == "" {
					links[st.Ino] = rel
				}
				l.link = links[st.Ino]
			}
			l.xattrs = testXattrs(path)
		case syscall.S_IFDIR:
			l.kind, l.xattrs = "d", testXattrs(path)
		case syscall.S_IFLNK:
			l.kind, l.mode = "l", 0o777
			l.data, _ = os.Readlink(path)
		case syscall.S_IFIFO:
			l.kind = "p"
		default:
			return nil
		}
		fmt.Fprintln(&out, l)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// inTreeList shows a tree in the same form, as it should be on disk.
func inTreeList(t testing.TB, chain driver.Chain) string {
	t.Helper()
	id, err := currentIDs()
	if err != nil {
		t.Fatal(err)
	}
	links, count := map[*tree.Node]string{}, map[*tree.Node]int{}
	_ = chain.Tree.Walk(".", func(_ string, n *tree.Node) error { count[n]++; return nil })
	var out strings.Builder
	err = chain.Tree.Walk(".", func(name string, n *tree.Node) error {
		l := listed{name: name, kind: [...]string{"f", "d", "l", "c", "b", "p"}[n.Kind], mode: n.Mode, sec: n.ModTime.Unix(), data: n.Target}
		l.uid, l.gid = id.disk(n.UID, n.GID)
		for _, name := range []string{"user.a", "security.capability"} {
			if v, ok := n.Xattrs[name]; ok {
				l.xattrs += fmt.Sprintf(" %s=%q", name, v)
			}
		}
		switch {
		case n.Kind == tree.CharDevice || n.Kind == tree.BlockDevice:
			return nil
		case n.Kind == tree.Symlink:
			l.mode = 0o777
		case n.Kind == tree.File:
			l.data = content(t, chain, n)
			if count[n] > 1 {
				if links[n] == "" {
					links[n] = name
				}
				l.link = links[n]
			}
		}
		fmt.Fprintln(&out, l)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// listed is a file as lists show it.
type listed struct {
	kind, name string
	mode       uint32
	uid, gid   uint32
	sec        int64
	data       string
	link       string
	xattrs     string
}

func (l listed) String() string {
	if l.name == "." {
		l.sec = 0
	}
	return fmt.Sprintf("%s %q %04o %d:%d %d %.60q link=%q%s", l.kind, l.name, l.mode, l.uid, l.gid, l.sec, l.data, l.link, l.xattrs)
}

func read(t testing.TB, path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func content(t testing.TB, chain driver.Chain, n *tree.Node) string {
	for _, src := range chain.Layers {
		if src.Digest != n.Content.Layer {
			continue
		}
		r, err := src.Open(n)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	t.Fatalf("no layer %s", n.Content.Layer)
	return ""
}

// testXattrs reads the attributes that the tests use.
func testXattrs(path string) string {
	out := ""
	for _, name := range []string{"user.a", "security.capability"} {
		buf := make([]byte, 100)
		if n, err := unix.Lgetxattr(path, name, buf); err == nil {
			out += fmt.Sprintf(" %s=%q", name, buf[:n])
		}
	}
	return out
}
