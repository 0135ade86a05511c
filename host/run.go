// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/zlayer/zlayer/host/internal/procrun"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

// start starts the backend, and returns what it is told first. It may touch
// nothing that this does not name.
func (b *build) start(ctx context.Context, in *inputs, dir *jobDir) (*backendv1.Start, *running, error) {
	message, err := b.message(in, dir)
	if err != nil {
		return nil, nil, err
	}
	b.host.makeDeclared(b.plugin)
	run, err := b.host.start(ctx, b.plugin, given(message, dir.exports()), b.emit)
	return message, run, err
}

// message returns the start of a build for the backend.
func (b *build) message(in *inputs, dir *jobDir) (*backendv1.Start, error) {
	stateDir, err := b.host.stateDir(b.plugin)
	if err != nil {
		return nil, err
	}
	start := &backendv1.Start{
		JobId: dir.id, Build: b.resolved.Build, Contexts: in.messages(),
		StateDir: stateDir, TempDir: dir.temp(), NoCache: b.request.NoCache, SourceDateEpoch: b.request.SourceDateEpoch,
		Experimental: b.request.Experimental,
	}
	if len(b.resolved.Build.GetContainer().GetImages()) > 0 {
		store, err := b.host.images()
		if err != nil {
			return nil, err
		}
		start.ImagesDir = store.Dir()
	}
	return start, nil
}

// call has a backend do the build.
func (b *build) call(ctx context.Context, r *running, start *backendv1.Start, j *job) (*backendv1.Artifact, error) {
	artifact, err := r.process.Build(ctx, start, handler{b, j})
	var failed *procrun.FailedError
	switch {
	case err == nil:
		return artifact, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.As(err, &failed):
		return nil, withHelp(j.failure(failed.Failed, r.id, r.process.Stderr()), r.stateDir)
	}
	return nil, callError(ctx, r.id, "it broke off in the middle of the build", err)
}

// withHelp adds the usual way out to a fault of the backend that names none.
func withHelp(err error, stateDir string) error {
	var e *PluginError
	if errors.As(err, &e) && e.Help == "" {
		e.Help = "run the command again; if it happens again, remove " + stateDir + ", which holds nothing but caches, or report it to the plugin's author"
	}
	return err
}

// handler gets what a running build reports.
type handler struct {
	build *build
	job   *job
}

var _ procrun.Handler = handler{}

// Event passes an event on.
func (h handler) Event(e *backendv1.BuildEvent) { h.job.event(e) }

// Answer hands out a secret or an agent that the user gave.
func (h handler) Answer(_ context.Context, ask *backendv1.Ask) *backendv1.Answer {
	if id := ask.GetSsh(); id != "" {
		socket, ok := h.build.request.SSH[id]
		return &backendv1.Answer{Absent: !ok, Socket: socket}
	}
	value, err := h.build.host.secret(h.build.request.Secrets[ask.GetSecret()])
	return &backendv1.Answer{Absent: err != nil, Secret: value}
}

// maxSecret is the largest secret in bytes, as for docker build.
const maxSecret = 500 << 10

// secret reads the value of a secret. Whether it can be read was checked when
// the build began.
func (h *Host) secret(s Secret) ([]byte, error) {
	if s.File != "" {
		return os.ReadFile(s.File)
	}
	value, ok := lookup(h.config.Environ, s.Env)
	if !ok {
		return nil, fmt.Errorf("the variable %s is not set", s.Env)
	}
	return []byte(value), nil
}
