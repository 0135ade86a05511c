// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/driver"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/state"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/transfer"
	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/buildctx"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// mountAll gives a command its mounts, in order.
func (e *execute) mountAll(ctx context.Context, c *driver.Command, caches *caches) error {
	for _, m := range e.step.Mounts {
		out := driver.Mount{Target: m.Target, ReadOnly: m.Readonly}
		var err error
		switch m.Kind {
		case irv1.MountKind_MOUNT_KIND_BIND:
			out.Tree, err = e.subtree(ctx, m)
		case irv1.MountKind_MOUNT_KIND_CACHE:
			out.Folder = caches.folder(m)
		case irv1.MountKind_MOUNT_KIND_TMPFS:
			out.Tmpfs = &driver.Tmpfs{Size: m.Size}
		case irv1.MountKind_MOUNT_KIND_SECRET:
			out.Secret, err = e.secret(ctx, c, m)
		case irv1.MountKind_MOUNT_KIND_SSH:
			out.Socket, err = e.ssh(ctx, c, m)
		default:
			err = fmt.Errorf("a mount on %q is of kind %v, which this backend does not know", m.Target, m.Kind)
		}
		if err != nil {
			return err
		}
		if out.Tree != nil || out.Folder != nil || out.Tmpfs != nil || out.Secret != nil || out.Socket != nil {
			c.Mounts = append(c.Mounts, out)
		}
	}
	return nil
}

// subtree is what a mount shows of its input. Files of a context become a
// layer of their own first.
func (e *execute) subtree(ctx context.Context, m *irv1.ResolvedMount) (*driver.Subtree, error) {
	if m.From == nil || m.From.Kind == irv1.InputKind_INPUT_KIND_SCRATCH {
		return &driver.Subtree{Chain: empty(), Path: "."}, nil
	}
	if isContext(m.From) {
		return e.packed(ctx, m)
	}
	p, err := e.point(ctx, m.From)
	if err != nil {
		return nil, err
	}
	c, err := p.tree(ctx)
	if err != nil {
		return nil, err
	}
	at, err := c.Tree.Resolve(m.Source)
	if err != nil {
		return nil, sourceProblem(m, err)
	}
	return &driver.Subtree{Chain: c, Path: at}, nil
}

// packedName is what the files of a context are called in their layer.
const packedName = "files"

// packed makes a layer of what a mount shows of a context, unless it is there.
func (e *execute) packed(ctx context.Context, m *irv1.ResolvedMount) (*driver.Subtree, error) {
	files, err := e.files(ctx, m.From)
	if err != nil {
		return nil, err
	}
	digest, err := e.digest(m, files)
	if err != nil {
		return nil, err
	}
	k := newKey("context", nil).add(digest).String()
	made, _, err := e.once(ctx, k, k, func(ctx context.Context) (state.Made, error) {
		entries, err := transfer.Plan(transfer.Job{
			Step: &irv1.Transfer{From: m.From, Sources: []string{literal(m.Source)}, Destination: "/" + packedName},
			From: until{files, ctx},
			Onto: view(empty()),
			Same: true,
		})
		if err != nil {
			return state.Made{}, err
		}
		return e.put(ctx, entries)
	})
	if err != nil {
		return nil, err
	}
	chain, err := stack(empty(), made.Layer, e.State.Layers)
	return &driver.Subtree{Chain: chain, Path: packedName}, err
}

// literal writes a path as a source that matches nothing else. Without
// wildcards it is one.
func literal(path string) string {
	if !strings.ContainsAny(path, "*?[") {
		return path
	}
	return strings.NewReplacer("*", "[*]", "?", "[?]", "[", "[[]", `\`, `\\`).Replace(path)
}

// sourceProblem says what is the matter with the source of a mount.
func sourceProblem(m *irv1.ResolvedMount, err error) error {
	var hidden *buildctx.ExcludedError
	switch {
	case errors.As(err, &hidden):
		return &transfer.Problem{
			Message: fmt.Sprintf("the source %q of the mount on %q is left out of the build context by %v", m.Source, m.Target, hidden.Rule),
			Help:    fmt.Sprintf("change that rule, or add \"!%s\" after it", m.Source),
		}
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ELOOP):
		return &transfer.Problem{
			Message: fmt.Sprintf("the source %q of the mount on %q does not exist", m.Source, m.Target),
			Help:    "sources are relative to the root of the build context, stage or image",
		}
	}
	return err
}

// secret asks for a secret, and gives it to the command as a file, a variable,
// or both. Nil: no file.
func (e *execute) secret(ctx context.Context, c *driver.Command, m *irv1.ResolvedMount) (*driver.Secret, error) {
	value, ok, err := e.Job.Secret(ctx, m.Id)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, e.absent(m, fmt.Sprintf("the secret %q", m.Id), fmt.Sprintf("--secret id=%s,src=FILE", m.Id))
	}
	if m.Env != "" {
		c.Exec.Env = append(c.Exec.Env, m.Env+"="+string(value))
	}
	if m.Target == "" {
		return nil, nil
	}
	return &driver.Secret{Data: value, Mode: m.Mode, UID: m.Uid, GID: m.Gid}, nil
}

// ssh asks for an ssh-agent. Nil: none.
func (e *execute) ssh(ctx context.Context, c *driver.Command, m *irv1.ResolvedMount) (*driver.Socket, error) {
	agent, ok, err := e.Job.SSH(ctx, m.Id)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, e.absent(m, fmt.Sprintf("the ssh-agent %q", m.Id), "--ssh "+m.Id)
	}
	c.Exec.Env = append(c.Exec.Env, "SSH_AUTH_SOCK="+m.Target)
	return &driver.Socket{Path: agent, Mode: m.Mode, UID: m.Uid, GID: m.Gid}, nil
}

// absent is the failure of a step that needs what the user did not give.
func (e *execute) absent(m *irv1.ResolvedMount, what, flag string) error {
	if !m.Required {
		return nil
	}
	f := backend.Sourcef(e.ref, "the step needs %s, and none was given", what)
	f.Help = "give it with " + flag
	return f
}
