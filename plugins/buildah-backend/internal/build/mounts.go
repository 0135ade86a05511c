// SPDX-License-Identifier: Apache-2.0

package build

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/command"
	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/files"
	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/transfer"
	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/buildctx"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"golang.org/x/sys/unix"
)

// mountAll gives a command what it finds beside the layer's files.
func (e *execute) mountAll(c *command.Command) error {
	if err := e.network(c); err != nil {
		return err
	}
	for n, m := range e.step.Mounts {
		if err := e.mount(c, n, m); err != nil {
			return err
		}
	}
	if len(e.step.Script) == 0 {
		return nil
	}
	script := filepath.Join(e.memory, "script")
	c.Mounts = append(c.Mounts, command.Mount{Target: e.step.Argv[0], Source: script, Options: []string{"ro"}})
	return os.WriteFile(script, e.step.Script, 0o755)
}

// hosts names what a command can count on. The machine's own names are not
// its business.
const hosts = "127.0.0.1\tlocalhost build\n::1\tlocalhost ip6-localhost ip6-loopback\n"

// network gives a command its /etc/hosts and, when it has a network, the
// machine's resolvers. It may change both; the changes are dropped.
func (e *execute) network(c *command.Command) error {
	content := map[string][]byte{"hosts": []byte(hosts), "resolv.conf": nil}
	if e.step.Network != irv1.Network_NETWORK_NONE {
		resolvers, err := os.ReadFile("/etc/resolv.conf")
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		content["resolv.conf"] = resolvers
	}
	for _, name := range []string{"hosts", "resolv.conf"} {
		path := filepath.Join(e.memory, name)
		if err := os.WriteFile(path, content[name], 0o644); err != nil {
			return err
		}
		c.Mounts = append(c.Mounts, command.Mount{Target: "/etc/" + name, Source: path})
	}
	return nil
}

func (e *execute) mount(c *command.Command, n int, m *irv1.ResolvedMount) (err error) {
	place := filepath.Join(e.memory, "mount-"+strconv.Itoa(n))
	out := command.Mount{Target: m.Target}
	if m.Readonly {
		out.Options = []string{"ro"}
	}
	switch m.Kind {
	case irv1.MountKind_MOUNT_KIND_BIND:
		out.Source, err = e.bind(m, place)
	case irv1.MountKind_MOUNT_KIND_CACHE:
		out.Source, err = e.cacheDir(m)
	case irv1.MountKind_MOUNT_KIND_TMPFS:
		out.Options = append(out.Options, "mode="+strconv.FormatUint(uint64(tmpfsMode(m)), 8))
		if m.Size > 0 {
			out.Options = append(out.Options, "size="+strconv.FormatInt(m.Size, 10))
		}
	case irv1.MountKind_MOUNT_KIND_SECRET:
		return e.secret(c, m, place)
	case irv1.MountKind_MOUNT_KIND_SSH:
		return e.ssh(c, m, place)
	default:
		err = fmt.Errorf("a mount on %q is of kind %v, which this backend does not know", m.Target, m.Kind)
	}
	if err == nil {
		c.Mounts = append(c.Mounts, out)
	}
	return err
}

func tmpfsMode(m *irv1.ResolvedMount) uint32 {
	if m.Mode == 0 {
		return 0o1777
	}
	return m.Mode
}

func sourceProblem(m *irv1.ResolvedMount, err error) error {
	var hidden *buildctx.ExcludedError
	switch {
	case errors.As(err, &hidden):
		return &transfer.Problem{
			Message: fmt.Sprintf("the source %q of the mount on %q is left out of the build context by %v", m.Source, m.Target, hidden.Rule),
			Help:    fmt.Sprintf("change that rule, or add \"!%s\" after it", m.Source),
		}
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ELOOP):
		return &transfer.Problem{
			Message: fmt.Sprintf("the source %q of the mount on %q does not exist", m.Source, m.Target),
			Help:    "sources are relative to the root of the build context, stage or image",
		}
	}
	return err
}

// bind returns what to mount for files of an input. Writes never reach them.
func (e *execute) bind(m *irv1.ResolvedMount, place string) (string, error) {
	tree, err := e.tree(m.From)
	if err != nil {
		return "", err
	}
	at, err := tree.Resolve(m.Source)
	if err != nil {
		return "", sourceProblem(m, err)
	}
	info, err := tree.Lstat(at)
	if err != nil {
		return "", err
	}
	switch {
	case !info.IsDir() && m.Readonly:
		return tree.Path(at), nil
	case !info.IsDir():
		return place, copyFile(tree, at, place, info.Mode().Perm())
	case m.Readonly && tree.Ignore() == nil:
		return tree.Path(at), nil
	}
	if err := e.Store.Discarding(tree.Path(at), e.disk, place); err != nil {
		return "", err
	}
	e.undo = append(e.undo, func() error { return unix.Unmount(place, unix.MNT_DETACH) })
	return place, hide(tree, at, place)
}

func copyFile(tree *files.Tree, from, to string, mode fs.FileMode) error {
	r, err := tree.Open(from)
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	return errors.Join(err, w.Close())
}

// hide removes, in the writable view of a context, what the context hides.
func hide(tree *files.Tree, at, view string) error {
	if tree.Ignore() == nil {
		return nil
	}
	seen := map[string]bool{".": true}
	err := tree.Walk(at, func(e buildctx.Entry) error {
		rel, err := filepath.Rel(at, e.Path)
		seen[rel] = true
		return err
	})
	if err != nil {
		return err
	}
	return filepath.WalkDir(view, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if rel, err := filepath.Rel(view, path); err != nil || seen[rel] {
			return err
		}
		if err := os.RemoveAll(path); err != nil || !d.IsDir() {
			return err
		}
		return fs.SkipDir
	})
}

// secret mounts a secret, or makes it a variable, or both.
func (e *execute) secret(c *command.Command, m *irv1.ResolvedMount, place string) error {
	value, ok, err := e.Job.Secret(e.ctx, m.Id)
	if err != nil {
		return err
	}
	if !ok {
		if !m.Required {
			return nil
		}
		f := backend.Sourcef(e.ref, "the step needs the secret %q, and none was given", m.Id)
		f.Help = fmt.Sprintf("give it with --secret id=%s,src=FILE", m.Id)
		return f
	}
	if m.Env != "" {
		c.Env = append(c.Env, m.Env+"="+string(value))
	}
	if m.Target == "" {
		return nil
	}
	if err := os.WriteFile(place, value, 0o600); err != nil {
		return err
	}
	c.Mounts = append(c.Mounts, command.Mount{Target: m.Target, Source: place, Options: []string{"ro"}})
	return own(place, m)
}

// own gives what was created for a mount its owner and mode.
func own(path string, m *irv1.ResolvedMount) error {
	if err := os.Chown(path, int(m.Uid), int(m.Gid)); err != nil {
		return err
	}
	return os.Chmod(path, fs.FileMode(m.Mode).Perm())
}

// ssh mounts a socket of ours, whose owner and mode we can choose, and relays
// it to the user's ssh-agent.
func (e *execute) ssh(c *command.Command, m *irv1.ResolvedMount, place string) error {
	agent, ok, err := e.Job.SSH(e.ctx, m.Id)
	if err != nil {
		return err
	}
	if !ok {
		if !m.Required {
			return nil
		}
		f := backend.Sourcef(e.ref, "the step needs the ssh-agent %q, and none was given", m.Id)
		f.Help = "give it with --ssh " + m.Id
		return f
	}
	// The working directory is e.Run: a socket's path must be short.
	short, err := filepath.Rel(e.Run, place)
	if err != nil {
		return err
	}
	l, err := net.Listen("unix", short)
	if err != nil {
		return fmt.Errorf("making the socket for the ssh-agent: %w", err)
	}
	e.undo = append(e.undo, l.Close)
	go relay(l, agent)
	c.Mounts = append(c.Mounts, command.Mount{Target: m.Target, Source: place})
	c.Env = append(c.Env, "SSH_AUTH_SOCK="+m.Target)
	return own(place, m)
}

// relay connects each caller of l with the socket, until l is closed.
func relay(l net.Listener, socket string) {
	for {
		in, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer in.Close()
			out, err := net.Dial("unix", socket)
			if err != nil {
				return
			}
			defer out.Close()
			go io.Copy(out, in) //nolint:errcheck // either side may hang up
			io.Copy(in, out)    //nolint:errcheck // either side may hang up
		}()
	}
}
