// SPDX-License-Identifier: Apache-2.0

package buildctx

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Lstat describes what is at a path that Resolve returned or Walk told. A link
// is not followed, and no link above it leads out of the context.
func (c *Context) Lstat(name string) (fs.FileInfo, error) {
	info, err := c.root.Lstat(local(name))
	if err != nil {
		return nil, c.pathError(name, err)
	}
	return info, nil
}

// Readlink returns where a symbolic link leads, with slashes.
func (c *Context) Readlink(name string) (string, error) {
	target, err := c.root.Readlink(local(name))
	if err != nil {
		return "", c.pathError(name, err)
	}
	return filepath.ToSlash(target), nil
}

// Open opens a file or folder at a path that Resolve returned or Walk told. It
// never waits, not even when a pipe took the file's place meanwhile.
func (c *Context) Open(name string) (*os.File, error) {
	f, err := c.root.OpenFile(local(name), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, c.pathError(name, err)
	}
	return f, nil
}

// Xattrs returns the extended attributes of a file or folder that builders keep
// (security.capability and user.*) by their full names; nil when there are
// none, and on systems other than Linux.
func (c *Context) Xattrs(name string) (map[string]string, error) {
	f, err := c.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	pairs, err := attributes(f)
	if err != nil {
		return nil, fmt.Errorf("reading extended attributes of %q in the build context %q: %w", name, c.dir, err)
	}
	if len(pairs) == 0 {
		return nil, nil
	}
	attrs := make(map[string]string, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		attrs[string(pairs[i][:len(pairs[i])-1])] = string(pairs[i+1])
	}
	return attrs, nil
}
