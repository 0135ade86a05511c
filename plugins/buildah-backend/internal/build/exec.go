// SPDX-License-Identifier: Apache-2.0

package build

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/command"
	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/files"
	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/jail"
	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/layers"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// execute is RUN.
type execute struct {
	*builder
	ref  *backendv1.StepRef
	step *irv1.Exec
	// memory and disk are folders of the step; they are removed after it.
	memory, disk string
	// undo is done after the step, last first.
	undo []func() error
}

func (e *execute) key(k *key) error {
	for _, m := range e.step.Mounts {
		if m.From == nil || m.Kind != irv1.MountKind_MOUNT_KIND_BIND && m.Kind != irv1.MountKind_MOUNT_KIND_CACHE {
			continue
		}
		err := e.keyOf(k, m.From, func(*files.Tree) ([]string, error) { return []string{m.Source}, nil })
		if err != nil {
			return sourceProblem(m, err)
		}
	}
	return nil
}

func (e *execute) run(parent string) (top string, err error) {
	if e.memory, err = e.folder(e.Run); err != nil {
		return "", err
	}
	if e.disk, err = e.folder(e.Scratch); err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, e.cleanUp()) }()
	c := command.Command{
		Step:   e.step,
		Bundle: filepath.Join(e.memory, "bundle"),
		Stdout: output{e, false},
		Stderr: output{e, true},
	}
	if err := os.Mkdir(c.Bundle, 0o700); err != nil {
		return "", err
	}
	if err := e.mountAll(&c); err != nil {
		return "", err
	}
	draft, err := e.Store.Draft(parent, e.Name, e.serial)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, draft.Discard()) }()
	c.Root = draft.Root
	traces, err := e.start(c)
	if err != nil {
		return "", err
	}
	return e.commit(parent, draft, traces)
}

// start runs the command, and ends with it whatever it started.
func (e *execute) start(c command.Command) (*command.Traces, error) {
	undo, err := jail.SharedMemory()
	if err != nil {
		return nil, err
	}
	traces, err := command.Run(c)
	return traces, errors.Join(err, jail.End(), undo())
}

// commit makes a layer of what the command changed.
func (e *execute) commit(parent string, draft *layers.Draft, traces *command.Traces) (string, error) {
	changes, err := draft.Changes()
	if err != nil {
		return "", fmt.Errorf("collecting what the command changed: %w", err)
	}
	defer changes.Close()
	return e.put(parent, erased{traces, changes})
}

// erased is a tar without the traces of a command.
type erased struct {
	traces *command.Traces
	tar    io.Reader
}

// WriteTo implements io.WriterTo.
func (e erased) WriteTo(w io.Writer) (int64, error) { return 0, e.traces.Erase(w, e.tar) }

func (e *execute) cleanUp() error {
	var problems []error
	for i := len(e.undo) - 1; i >= 0; i-- {
		problems = append(problems, e.undo[i]())
	}
	return errors.Join(append(problems, os.RemoveAll(e.disk), os.RemoveAll(e.memory))...)
}

// output passes a command's output to the host.
type output struct {
	e      *execute
	stderr bool
}

// Write implements io.Writer.
func (o output) Write(p []byte) (int, error) {
	o.e.Job.Output(o.e.ref, o.stderr, p)
	return len(p), nil
}
