// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/driver"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/state"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/transfer"
	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/passwd"
)

// execute is RUN.
type execute struct {
	common
	step *irv1.Exec
	// where is the instruction in the source.
	where *diagv1.Range
	// seen are the digests of what mounts show of contexts; they are made
	// once.
	seen map[string]string
}

// shows says whether a mount shows files of an input.
func shows(m *irv1.ResolvedMount) bool {
	return m.From != nil && m.From.Kind != irv1.InputKind_INPUT_KIND_SCRATCH &&
		(m.Kind == irv1.MountKind_MOUNT_KIND_BIND || m.Kind == irv1.MountKind_MOUNT_KIND_CACHE)
}

func (e *execute) prepare(ctx context.Context) error {
	for _, m := range e.step.Mounts {
		if shows(m) && isTree(m.From) {
			if _, err := e.point(ctx, m.From); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *execute) key(ctx context.Context, exact bool) (string, error) {
	k := newKey("exec", e.platform).add(e.at.id)
	step := e.step.CloneVT()
	for _, m := range step.Mounts {
		m.From = nil // an index; what it stands for is added below
	}
	if err := k.message(step); err != nil {
		return "", err
	}
	for _, m := range e.step.Mounts {
		if !shows(m) {
			continue
		}
		err := e.keyOf(ctx, k, m.From, exact, func(from transfer.Files) (string, error) { return e.digest(m, from) })
		if err != nil {
			return "", err
		}
	}
	return k.String(), nil
}

// digest returns the digest of what a mount shows.
func (e *execute) digest(m *irv1.ResolvedMount, from transfer.Files) (string, error) {
	name := fmt.Sprint(m.From.Kind, m.From.Index, " ", m.Source)
	if digest, ok := e.seen[name]; ok {
		return digest, nil
	}
	digest, err := from.Digest(m.Source)
	if err != nil {
		return "", sourceProblem(m, err)
	}
	if e.seen == nil {
		e.seen = map[string]string{}
	}
	e.seen[name] = digest
	return digest, nil
}

func (e *execute) run(ctx context.Context) (made state.Made, err error) {
	root, err := e.at.tree(ctx)
	if err != nil {
		return state.Made{}, err
	}
	c, home, err := e.command(root)
	if err != nil {
		return state.Made{}, err
	}
	if c.Temp, err = e.folder(); err != nil {
		return state.Made{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(c.Temp)) }()
	c.Layer = filepath.Join(e.dir, filepath.Base(c.Temp)+".tar")
	defer os.Remove(c.Layer) // unless the store has it
	caches, err := e.caches(ctx)
	if err != nil {
		return state.Made{}, err
	}
	defer caches.release()
	if err := e.mountAll(ctx, &c, caches); err != nil {
		return state.Made{}, err
	}
	if !slices.ContainsFunc(c.Exec.Env, func(v string) bool { return strings.HasPrefix(v, "HOME=") }) {
		// It depends on the image's /etc/passwd, so the build does not have it.
		c.Exec.Env = append(c.Exec.Env, "HOME="+home)
	}
	return e.start(ctx, c)
}

// command is the command without its mounts, and the home of its user.
func (e *execute) command(root driver.Chain) (c driver.Command, home string, err error) {
	user, err := passwd.Lookup(view(root).OpenFile, e.step.User)
	if err != nil {
		return driver.Command{}, "", &transfer.Problem{Message: err.Error()}
	}
	step := e.step.CloneVT()
	step.Mounts = nil
	return driver.Command{
		Exec: step, Architecture: e.platform.GetArchitecture(), UID: user.UID, GID: user.GID, Groups: user.Groups,
		Root: root, State: e.State.Trees(), Copy: e.Copies, Copied: e.warn,
		Output: func(stderr bool, data []byte) { e.Job.Output(e.ref, stderr, data) },
	}, user.Home, nil
}

// warn reports, once a build, that files are copied where nobody asked for it.
func (e *execute) warn(why string) {
	e.copied.Do(func() {
		d := diag.Warning(e.where, "files-copied", "commands get a copy of their files, which takes longer: "+why)
		d.Help = "overlays need Linux 5.11 or later and a file system such as ext4, xfs, btrfs or tmpfs for zlayer's data; SANDBOX_BACKEND_FILES=copy asks for copies"
		e.Job.Warn(e.ref, backend.At("", d))
	})
}

// start runs the command when there is room for one more.
func (e *execute) start(ctx context.Context, c driver.Command) (state.Made, error) {
	select {
	case e.slots <- struct{}{}:
		defer func() { <-e.slots }()
	case <-ctx.Done():
		return state.Made{}, ctx.Err()
	}
	l, err := e.Driver.Run(ctx, c)
	if l == nil || err != nil {
		return state.Made{}, err
	}
	if err := e.State.Layers.Adopt(c.Layer, l); err != nil {
		return state.Made{}, fmt.Errorf("keeping what the command changed: %w", err)
	}
	return state.Made{Layer: l.Digest, Size: l.Size}, nil
}
