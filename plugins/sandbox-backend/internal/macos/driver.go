// SPDX-License-Identifier: Apache-2.0

package macos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/driver"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/rootfs"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// runner is the driver.
type runner struct {
	// tool is the path of sandbox-exec.
	tool string
	// home is that of the user, which a command may not read.
	home string
	list lister
}

var (
	_ driver.Driver  = runner{}
	_ driver.Sweeper = runner{}
)

// Describe implements driver.Driver.
func (r runner) Describe(context.Context) (*backendv1.DescribeResponse, error) {
	_, err := os.Stat(r.tool)
	return describe(err == nil), nil
}

// Recover implements driver.Driver. What ran in a folder is ended first.
func (r runner) Recover(_ context.Context, dir string) error {
	dir, err := realPath(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	f := family{mark: func(root string) bool { return strings.HasPrefix(root, dir+"/") }}
	return errors.Join(f.end(r.list), rootfs.RemoveAll(dir))
}

// Sweep implements driver.Sweeper.
func (runner) Sweep(_ context.Context, state string, keep func(digest string) bool) error {
	return rootfs.Sweep(state, keep)
}

// The folders and files in the temporary folder of a command.
const (
	dirRoot     = "root"
	dirTemp     = "tmp"
	fileProfile = "profile.sb"
	dirScript   = "script"
)

// Run implements driver.Driver.
func (r runner) Run(ctx context.Context, c driver.Command) (made *layer.Layer, err error) {
	if err := check(c); err != nil {
		return nil, err
	}
	if c.Temp, err = realPath(c.Temp); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, clear(c.Temp)) }()
	for _, name := range []string{dirRoot, dirTemp} {
		if err := os.Mkdir(filepath.Join(c.Temp, name), 0o700); err != nil {
			return nil, err
		}
	}
	root, err := rootfs.Open(c.Root.Layers, rootfs.Of(c.Root.Tree), rootfs.Options{
		State: c.State, Temp: filepath.Join(c.Temp, dirRoot), Copy: true,
	})
	if err != nil {
		return nil, fmt.Errorf("making the file tree: %w", err)
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	s, err := r.prepare(c, root.Path())
	if err != nil {
		return nil, err
	}
	code, err := s.run(ctx)
	if err != nil {
		return nil, err
	}
	if code != 0 {
		return nil, &driver.ExitError{Code: code}
	}
	return write(root, c.Layer)
}

// prepare makes what a command needs beside its tree.
func (r runner) prepare(c driver.Command, path string) (*session, error) {
	root, err := realPath(path)
	if err != nil {
		return nil, err
	}
	at, err := workdir(c.Root.Tree, c.Exec.Workdir)
	if err != nil {
		return nil, err
	}
	if err := makeDir(root, at); err != nil {
		return nil, fmt.Errorf("making the working directory: %w", err)
	}
	s := &session{
		dir: filepath.Join(root, filepath.FromSlash(at)), root: root, list: r.list, output: c.Output,
		env: environment(c.Exec.Env, root, filepath.Join(c.Temp, dirTemp)),
	}
	argv := c.Exec.Argv
	if len(c.Exec.Script) > 0 {
		if argv, err = script(c); err != nil {
			return nil, err
		}
	} else if exit := find(argv[0], s.env, s.dir, root); exit != nil {
		return nil, exit
	}
	profile, err := r.profile(c, root)
	if err != nil {
		return nil, err
	}
	s.argv = append([]string{r.tool, "-f", profile}, argv...)
	return s, nil
}

// makeDir makes a folder of the image. No link leads out of the root.
func makeDir(root, dir string) error {
	if dir == "." {
		return nil
	}
	r, err := os.OpenRoot(root)
	if err != nil {
		return err
	}
	defer r.Close()
	return r.MkdirAll(filepath.FromSlash(dir), 0o755)
}

// script writes the script of a here-document and returns the command that runs
// it: the path it has in the IR is not one of this machine.
func script(c driver.Command) ([]string, error) {
	dir := filepath.Join(c.Temp, dirScript)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, filepath.Base(c.Exec.Argv[0]))
	if err := os.WriteFile(path, c.Exec.Script, 0o700); err != nil { //nolint:gosec // it is executed
		return nil, err
	}
	return append([]string{path}, c.Exec.Argv[1:]...), nil
}

// profile writes the profile of a command and returns its path.
func (r runner) profile(c driver.Command, root string) (string, error) {
	state, err := realPath(c.State)
	if err != nil {
		return "", err
	}
	// Beside the driver's folders are those of other builds, which may be
	// somebody else's.
	p := Profile{
		Writable: []string{canonical(root), canonical(filepath.Join(c.Temp, dirTemp))},
		Private:  inside(filepath.Dir(state), filepath.Dir(c.Temp), r.home),
		Network:  c.Exec.Network != irv1.Network_NETWORK_NONE,
	}
	if len(c.Exec.Script) > 0 {
		p.Readable = []string{canonical(filepath.Join(c.Temp, dirScript))}
	}
	text, err := p.Text()
	if err != nil {
		return "", fmt.Errorf("writing the sandbox profile: %w", err)
	}
	path := filepath.Join(c.Temp, fileProfile)
	return path, os.WriteFile(path, []byte(text), 0o600)
}

// inside are the canonical forms of folders, but for the root of the machine.
func inside(dirs ...string) []string {
	var list []string
	for _, dir := range dirs {
		if dir := canonical(dir); filepath.IsAbs(dir) && dir != "/" {
			list = append(list, dir)
		}
	}
	return list
}

// write writes the layer of what a command changed; nil when it changed
// nothing.
func write(root *rootfs.Root, name string) (*layer.Layer, error) {
	changes, err := root.Changes()
	if err != nil {
		return nil, fmt.Errorf("collecting what the command changed: %w", err)
	}
	if len(changes) == 0 {
		return nil, nil
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	l, err := layer.Write(f, changes)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("writing what the command changed: %w", err)
	}
	return l, root.Adopt(l)
}

// clear removes what the driver and the command made beside the root.
func clear(temp string) error {
	return errors.Join(
		rootfs.RemoveAll(filepath.Join(temp, dirTemp)), rootfs.RemoveAll(filepath.Join(temp, dirScript)),
		rootfs.RemoveAll(filepath.Join(temp, dirRoot)),
	)
}

// realPath is a path without links.
func realPath(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(path)
}
