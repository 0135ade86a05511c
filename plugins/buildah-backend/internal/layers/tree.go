// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/files"
	"golang.org/x/sys/unix"
)

// tree is the file tree of a layer and all below it, read only.
type tree struct {
	*files.Tree
	mounted bool
}

// Tree returns the file tree that ends in a layer; of no layer, an empty one.
// It stays until the store is closed.
func (s *Store) Tree(id string) (*files.Tree, error) {
	if t, ok := s.trees[id]; ok {
		return t.Tree, nil
	}
	path, mounted, err := s.mountTree(id)
	if err != nil {
		return nil, err
	}
	t, err := files.Open(path, nil)
	if err != nil {
		return nil, err
	}
	s.trees[id] = tree{t, mounted}
	return t, nil
}

func (t tree) close() error {
	if err := t.Tree.Close(); err != nil || !t.mounted {
		return err
	}
	return unix.Unmount(t.Dir(), unix.MNT_DETACH)
}

// mountTree does not mount through the store: two jobs would then share one
// mount point, and the first to finish would remove it under the other.
func (s *Store) mountTree(id string) (path string, mounted bool, err error) {
	if id == "" {
		path, err = s.dir("empty")
		return path, false, err
	}
	driver, err := s.store.GraphDriver()
	if err != nil {
		return "", false, err
	}
	if driver.String() != "overlay" {
		unlock, err := s.lock(alone)
		if err != nil {
			return "", false, err
		}
		defer unlock()
		info, err := s.store.Layer(id)
		if err != nil {
			return "", false, err
		}
		path, err := s.store.Mount(info.ID, "") // a plain folder: nothing is mounted
		return path, false, err
	}
	meta, err := driver.Metadata(id)
	if err != nil {
		return "", false, err
	}
	path, err = s.dir("tree/" + strconv.Itoa(len(s.trees)))
	if err != nil {
		return "", false, err
	}
	lower := []string{meta["UpperDir"]}
	if below := meta["LowerDir"]; below != "" {
		lower = append(lower, strings.Split(below, ":")...)
	}
	return path, true, s.mountReadOnly(lower, path)
}

// mountReadOnly shows folders, the uppermost first, as one.
func (s *Store) mountReadOnly(lower []string, path string) error {
	if len(lower) == 1 {
		if err := unix.Mount(lower[0], path, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("mounting a layer: %w", err)
		}
		return unix.Mount("", path, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, "")
	}
	short, err := s.shorten(lower)
	if err != nil {
		return err
	}
	if err := unix.Mount("overlay", path, "overlay", unix.MS_RDONLY, "lowerdir="+strings.Join(short, ":")+userXattr()); err != nil {
		return fmt.Errorf("mounting %d layers: %w", len(lower), err)
	}
	return nil
}

// shorten makes names for folders that fit, by the hundred, into the one page
// that mount options get. They are relative to the working directory.
func (s *Store) shorten(dirs []string) ([]string, error) {
	if _, err := s.dir("l"); err != nil {
		return nil, err
	}
	short := make([]string, len(dirs))
	for i, dir := range dirs {
		if s.links[dir] == "" {
			name := filepath.Join("l", strconv.Itoa(len(s.links)))
			if err := os.Symlink(dir, filepath.Join(s.run, name)); err != nil {
				return nil, err
			}
			s.links[dir] = name
		}
		short[i] = s.links[dir]
	}
	return short, nil
}

// userXattr is the mount option that an overlay needs in a user namespace.
func userXattr() string {
	if InUserNamespace() {
		return ",userxattr"
	}
	return ""
}

// InUserNamespace says whether ids are mapped.
func InUserNamespace() bool {
	text, err := os.ReadFile("/proc/self/uid_map")
	return err == nil && strings.Join(strings.Fields(string(text)), " ") != "0 0 4294967295"
}

// Discarding mounts a writable view of a folder at path. What is written goes
// to the folder scratch, which must be empty and on a disk that can carry it.
func (s *Store) Discarding(folder, scratch, path string) error {
	upper, work := filepath.Join(scratch, "upper"), filepath.Join(scratch, "work")
	for _, dir := range []string{upper, work, path} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if err := sameFolder(folder, upper); err != nil {
		return err
	}
	short, err := s.shorten([]string{folder, upper, work})
	if err != nil {
		return err
	}
	options := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s%s", short[0], short[1], short[2], userXattr())
	if err := unix.Mount("overlay", path, "overlay", 0, options); err != nil {
		return fmt.Errorf("mounting a writable view of %q: %w", folder, err)
	}
	return nil
}

// sameFolder gives a folder the owner and permissions of another.
func sameFolder(from, to string) error {
	var st unix.Stat_t
	if err := unix.Stat(from, &st); err != nil {
		return fmt.Errorf("looking at %q: %w", from, err)
	}
	if err := unix.Chown(to, int(st.Uid), int(st.Gid)); err != nil {
		return err
	}
	return unix.Chmod(to, st.Mode&0o7777)
}
