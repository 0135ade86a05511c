// SPDX-License-Identifier: Apache-2.0

package buildctx

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
)

// Context is a build context on disk. It may be used by several goroutines at
// once.
type Context struct {
	dir    string
	root   *os.Root
	ignore *Ignore
	memo   *Memo
}

// Options of Open. The zero value hides nothing and remembers nothing.
type Options struct {
	// Ignore hides paths.
	Ignore *Ignore
	// Memo remembers digests of files. It must belong to this folder.
	Memo *Memo
}

// Open opens a folder as a build context.
func Open(dir string, o Options) (*Context, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, openError(dir, err)
	}
	return &Context{dir: dir, root: root, ignore: o.Ignore, memo: o.Memo}, nil
}

// openError says what is the matter with the folder. It wraps err.
func openError(dir string, err error) error {
	info, statErr := os.Stat(dir)
	switch {
	case dir == "":
		return fmt.Errorf("no build context given; name a folder, such as . (%w)", err)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("build context %q does not exist; name a folder that does (%w)", dir, err)
	case statErr == nil && !info.IsDir():
		return fmt.Errorf("build context %q is not a folder; name the folder that holds it and give the file with -f (%w)", dir, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("build context %q cannot be read; check its permissions (%w)", dir, err)
	}
	return fmt.Errorf("opening build context %q: %w", dir, err)
}

// Close closes the context.
func (c *Context) Close() error { return c.root.Close() }

// Dir returns the folder, as given to Open.
func (c *Context) Dir() string { return c.dir }

// Ignore returns the rules of the context; nil when there are none.
func (c *Context) Ignore() *Ignore { return c.ignore }

// Excluded says whether the context hides a path, and which rule does.
func (c *Context) Excluded(name string) (Rule, bool) { return c.ignore.Excluded(name) }

// ExcludedError says that a path is hidden by the ignore file. It is an
// fs.ErrNotExist.
type ExcludedError struct {
	// Path is the path that was asked for.
	Path string
	// Rule hides it.
	Rule Rule
}

// Error names the path, the rule and the way out.
func (e *ExcludedError) Error() string {
	return fmt.Sprintf("%q is left out of the build context by %v; change that rule, or add \"!%s\" after it", e.Path, e.Rule, e.Path)
}

// Is makes the error an fs.ErrNotExist.
func (e *ExcludedError) Is(target error) bool { return target == fs.ErrNotExist }

// maxLinks bounds how many symbolic links one path may lead through.
const maxLinks = 255

// Resolve returns the path that a source of COPY stands for: every symbolic
// link on the way and at the end is followed as if the context were the root
// of the file system, so absolute targets and ".." stay inside. The result
// exists and is not hidden, or is a hidden folder in which something may be
// put back.
func (c *Context) Resolve(name string) (string, error) {
	at, rest, links := ".", relative(name), 0
	for rest != "" && rest != "." {
		var part string
		part, rest, _ = strings.Cut(rest, "/")
		next := relative(path.Join(at, part))
		info, err := c.root.Lstat(local(next))
		if err != nil {
			return "", c.pathError(name, err)
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			if rest != "" && !info.IsDir() {
				return "", c.pathError(name, fs.ErrNotExist)
			}
			at = next
			continue
		}
		if rule, hidden := c.Excluded(next); hidden {
			return "", &ExcludedError{name, rule}
		}
		target, err := c.root.Readlink(local(next))
		if err != nil {
			return "", c.pathError(name, err)
		}
		if links++; links > maxLinks {
			return "", c.pathError(name, syscall.ELOOP)
		}
		if target = filepath.ToSlash(target); !path.IsAbs(target) {
			target = path.Join(at, target)
		}
		rest = strings.TrimSuffix(path.Join(relative(target), rest), "/")
		at = "."
	}
	return at, c.shown(name, at)
}

// shown reports a path that exists and is wholly hidden.
func (c *Context) shown(asked, name string) error {
	s := c.ignore.state(name)
	if s.by == none {
		return nil
	}
	info, err := c.root.Lstat(local(name))
	if err == nil && info.IsDir() && !c.ignore.closed(name, s.by) {
		return nil
	}
	return &ExcludedError{asked, c.ignore.rules[s.by]}
}

// pathError says what is the matter with a path of the context. It wraps err.
func (c *Context) pathError(name string, err error) error {
	var inner *fs.PathError
	if errors.As(err, &inner) {
		err = inner.Err
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if rule, hidden := c.Excluded(name); hidden {
			return &ExcludedError{name, rule}
		}
		return fmt.Errorf("%q is not in the build context %q (%w)", name, c.dir, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%q in the build context %q cannot be read; change its permissions or hide it in .dockerignore (%w)", name, c.dir, err)
	case errors.Is(err, syscall.ELOOP):
		return fmt.Errorf("%q in the build context %q leads through more than %d symbolic links (%w)", name, c.dir, maxLinks, err)
	}
	return fmt.Errorf("reading %q in the build context %q: %w", name, c.dir, err)
}

// local turns a path of the context into one of the machine.
func local(name string) string { return filepath.FromSlash(name) }
