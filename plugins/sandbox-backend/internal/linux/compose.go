// SPDX-License-Identifier: Apache-2.0

//go:build linux

package linux

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/jail"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/rootfs"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"golang.org/x/sys/unix"
)

// composer puts a job's file tree together.
type composer struct {
	*job
	exec irv1.Exec
	back *backend
	// private is a file system in memory that no process but the inner one
	// sees: secrets, scripts, sockets.
	private string
	mounts  []jail.Mount
	// points are where they are mounted on the root.
	points []rootfs.Mountpoint
	// roots are other trees on disk.
	roots []*rootfs.Root
	// temps are their folders.
	temps []string
}

// run runs the job's command and writes what it changed.
func (j *job) run(b *backend, r *request) (got result, err error) {
	c := &composer{job: j, back: b}
	if err := c.exec.UnmarshalVT(j.Exec); err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	if err := c.compose(); err != nil {
		return result{}, err
	}
	if err := c.forget(); err != nil {
		return result{}, err
	}
	root, err := c.open(0, "root", rootfs.Options{Mounts: c.points})
	if err != nil {
		return result{}, err
	}
	exit, err := jail.Run(jail.Spec{
		Root: root.Path(), Argv: c.exec.Argv, Env: c.exec.Env, Dir: c.exec.Workdir,
		UID: j.UID, GID: j.GID, Groups: j.Groups, OneID: r.OneID, Network: r.Network, SocketCall: j.SocketCall, Mounts: c.mounts,
		Stdout: os.Stdout, Stderr: os.Stderr,
	})
	if err != nil || exit.Code != 0 {
		return result{Code: exit.Code, Reason: exit.Reason}, err
	}
	l, err := j.write(root)
	return result{Layer: l}, err
}

// write writes the layer of what differs in the root; nil when nothing does.
func (j *job) write(root *rootfs.Root) (*layer.Layer, error) {
	changes, err := root.Changes()
	if err != nil {
		return nil, fmt.Errorf("collecting what the command changed: %w", err)
	}
	if len(changes) == 0 {
		return nil, nil
	}
	f, err := os.OpenFile(j.Layer, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	l, err := layer.Write(f, changes)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("writing what the command changed: %w", err)
	}
	err = root.Adopt(l)
	if errors.Is(err, unix.EXDEV) {
		err = nil // it is unpacked when it is needed
	}
	return l, err
}

// together returns the folder that holds both, or both: what a command changed
// moves from one to the other, and can only within one mount.
func together(a, b string) []string {
	for dir := a; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if rel, err := filepath.Rel(dir, b); err == nil && filepath.IsLocal(rel) {
			return []string{dir}
		}
	}
	return []string{a, b}
}

// forget leaves of the machine's files those that the job needs.
func (c *composer) forget() error {
	root := filepath.Join(c.private, "machine")
	if err := os.Mkdir(root, 0o755); err != nil {
		return err
	}
	dirs := append(together(c.State, c.Temp), filepath.Dir(c.Layer))
	for i := range c.Mounts {
		if f := c.Mounts[i].Folder; f != nil {
			dirs = append(dirs, filepath.Dir(f.Path))
		}
	}
	for _, dir := range dirs {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	for _, chain := range c.Chains {
		for _, s := range chain {
			dirs = append(dirs, filepath.Dir(s.Path))
		}
	}
	for i := range c.Mounts {
		if s := c.Mounts[i].Socket; s != nil {
			dirs = append(dirs, s.Path)
		}
	}
	return jail.Forget(root, dirs)
}

// open makes a chain's tree on disk.
func (c *composer) open(chain int, name string, o rootfs.Options) (*rootfs.Root, error) {
	o.State, o.Temp, o.Copy = c.State, filepath.Join(c.Temp, name), c.Copy
	if err := os.Mkdir(o.Temp, 0o700); err != nil {
		return nil, err
	}
	c.temps = append(c.temps, o.Temp)
	var layers []layer.Source
	for _, s := range c.Chains[chain] {
		layers = append(layers, layer.Source{Layer: &layer.Layer{Digest: s.Digest, Size: s.Size}, Path: s.Path, Compressed: s.Compressed})
	}
	before := remote{c.back, chain}
	o.Changes = before.changes
	root, err := rootfs.Open(layers, before, o)
	if err != nil {
		var misplaced *rootfs.MountError
		if errors.As(err, &misplaced) {
			return nil, err
		}
		return nil, fmt.Errorf("making the file tree: %w", err)
	}
	c.roots = append(c.roots, root)
	if why := root.WhyCopy(); why != "" && !c.Copy {
		return root, before.copied(why)
	}
	return root, nil
}

// close removes all that is on disk.
func (c *composer) close() error {
	var problems []error
	for _, r := range c.roots {
		problems = append(problems, r.Close())
	}
	for _, dir := range c.temps {
		problems = append(problems, os.Remove(dir))
	}
	if c.private != "" {
		problems = append(problems, unix.Unmount(c.private, unix.MNT_DETACH), os.Remove(c.private))
	}
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("cleaning up after the command: %w", err)
	}
	return nil
}

// hosts names what a command can count on. The machine's own names are not its
// business.
const hosts = "127.0.0.1\tlocalhost " + jail.Hostname + "\n::1\tlocalhost ip6-localhost ip6-loopback\n"

// compose prepares all that is mounted.
func (c *composer) compose() error {
	c.private = filepath.Join(c.Temp, "private")
	if err := os.Mkdir(c.private, 0o700); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", c.private, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0700"); err != nil {
		return fmt.Errorf("mounting a file system in memory: %w", err)
	}
	for _, dir := range jail.Places {
		c.points = append(c.points, rootfs.Mountpoint{Target: dir, Dir: true})
	}
	if err := c.file("/etc/hosts", []byte(hosts), 0o644, false); err != nil {
		return err
	}
	if err := c.file("/etc/resolv.conf", c.Resolvers, 0o644, false); err != nil {
		return err
	}
	for i := range c.Mounts {
		if err := c.mount(i, &c.Mounts[i]); err != nil {
			return fmt.Errorf("preparing the mount on %q: %w", c.Mounts[i].Target, err)
		}
	}
	if len(c.exec.Script) == 0 {
		return nil
	}
	return c.file(c.exec.Argv[0], c.exec.Script, 0o755, true)
}

// add mounts something on the root.
func (c *composer) add(m jail.Mount, dir bool) {
	if !c.covered(m.Target) {
		c.points = append(c.points, rootfs.Mountpoint{Target: m.Target, Dir: dir})
	}
	c.mounts = append(c.mounts, m)
}

// covered says whether a target is inside an earlier mount: not on the root.
func (c *composer) covered(target string) bool {
	for _, dir := range jail.Places {
		if inside(target, dir) {
			return true
		}
	}
	for _, m := range c.mounts {
		if inside(target, m.Target) {
			return true
		}
	}
	return false
}

// inside says whether a path is below a folder, or the folder.
func inside(target, dir string) bool {
	rel, err := filepath.Rel(dir, target)
	return err == nil && filepath.IsLocal(rel)
}

// file mounts a file with these bytes.
func (c *composer) file(target string, data []byte, mode os.FileMode, readOnly bool) error {
	name := c.fresh()
	if err := os.WriteFile(name, data, mode); err != nil {
		return err
	}
	if err := os.Chmod(name, mode); err != nil {
		return err
	}
	c.add(jail.Mount{Target: target, Source: name, ReadOnly: readOnly}, false)
	return nil
}

// fresh is a new name in memory.
func (c *composer) fresh() string { return filepath.Join(c.private, strconv.Itoa(len(c.mounts))) }
