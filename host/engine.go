// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// engines are the programs that have a "load" for Docker's archives, the
// preferred one first.
var engines = []string{"docker", "podman"}

// engineWait is how long an engine may take to end once it was told to.
const engineWait = 5 * time.Second

// engine finds the user's docker or podman.
func (h *Host) engine() (string, error) {
	for _, name := range engines {
		if found := h.findTool(name); found != "" {
			return found, nil
		}
	}
	return "", &InputError{
		Message: "there is no docker and no podman to load the image into",
		Help:    "install one of them or correct PATH; --output type=docker-archive,dest=FILE writes what docker load reads",
	}
}

// loadInto gives an image to the user's docker or podman, through a pipe.
func (h *Host) loadInto(ctx context.Context, image string, emit *emitter, references []string) error {
	program, err := h.engine()
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	var said head
	cmd := exec.CommandContext(running, program, "load")
	cmd.Env, cmd.Stderr, cmd.WaitDelay = h.config.Environ, &said, engineWait
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return &InputError{Message: "cannot run " + program, Err: cause(err)}
	}
	failed := h.save(ctx, image, Output{Type: OutputDockerArchive, Path: program, Writer: pipe}, emit, references)
	unread := errors.Is(failed, syscall.EPIPE) // the engine knows why
	if failed != nil && !unread {
		stop() // half an archive must not be loaded
	}
	ended := errors.Join(pipe.Close(), cmd.Wait())
	switch {
	case failed != nil && !unread:
		return failed
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case ended != nil:
		return &InputError{Message: fmt.Sprintf("%s load ended badly (%s)", program, cmd.ProcessState), Help: "the image is in the store; see that docker or podman runs", Err: said.err()}
	}
	return failed
}

// maxHead is how much is kept of what an engine writes to stderr, in bytes.
const maxHead = 4 << 10

// head keeps the beginning of what is written to it.
type head struct{ text []byte }

// Write implements io.Writer and never fails.
func (h *head) Write(p []byte) (int, error) {
	h.text = append(h.text, p[:min(len(p), maxHead-len(h.text))]...)
	return len(p), nil
}

// err is the text as an error; nil when there is none.
func (h *head) err() error {
	if text := strings.TrimSpace(string(h.text)); text != "" {
		return errors.New(text)
	}
	return nil
}
