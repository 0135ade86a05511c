// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"

	"github.com/zlayer/zlayer/host/internal/confine"
	"github.com/zlayer/zlayer/host/internal/procrun"
	"github.com/zlayer/zlayer/host/internal/starts"
	"github.com/zlayer/zlayer/host/internal/store"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// running is a started backend with its state folder.
type running struct {
	id       string
	process  *procrun.Process
	stateDir string
}

// start starts a backend, which may touch what it is given, and has it remove
// what dead jobs left behind.
func (h *Host) start(ctx context.Context, p *store.Plugin, given confine.Rules, emit *emitter) (*running, error) {
	stateDir, err := h.stateDir(p)
	if err != nil {
		return nil, err
	}
	options, err := h.options(p, given.With(confine.Rules{Write: []string{stateDir}}), emit)
	if err != nil {
		return nil, err
	}
	process, err := procrun.Start(ctx, options)
	if err != nil {
		return nil, backendError(ctx, p, err)
	}
	r := &running{id: p.ID, process: process, stateDir: stateDir}
	if err := h.recover(ctx, r); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// stateDir makes the state folder of a backend.
func (h *Host) stateDir(p *store.Plugin) (string, error) {
	return h.makeDir("backends", filepath.FromSlash(p.ID))
}

// options says how a backend is started.
func (h *Host) options(p *store.Plugin, given confine.Rules, emit *emitter) (procrun.Options, error) {
	notes, err := h.makeDir("sockets")
	if err != nil {
		return procrun.Options{}, err
	}
	gate, err := h.makeDir("starts")
	if err != nil {
		return procrun.Options{}, err
	}
	return procrun.Options{
		ID: p.ID, Dir: p.Dir, Files: p.Manifest.On(runtime.GOOS + "/" + runtime.GOARCH),
		Allow: p.Manifest.Environment, Environ: h.config.Environ, Notes: notes,
		Confine: h.bounds(p, given), InUse: p.Lock(),
		Gate: starts.Gate{Dir: gate, Release: p.Digest, Tell: func(pause starts.Pause) { emit.pause(p.ID, pause) }},
	}, nil
}

// Close ends the backend.
func (r *running) Close() { r.process.Close() }

// export asks for blobs; for none it does not ask.
func (r *running) export(ctx context.Context, handle string, digests []string, dir string) error {
	if len(digests) == 0 {
		return nil
	}
	err := r.process.Export(ctx, &backendv1.ExportRequest{StateDir: r.stateDir, Handle: handle, Digests: digests, Directory: dir})
	if err != nil {
		return callError(ctx, r.id, "it could not hand over what it built", err)
	}
	return nil
}

// backendError explains a backend that does not come up.
func backendError(ctx context.Context, p *store.Plugin, err error) error {
	var (
		start  *procrun.StartError
		digest *manifest.ChecksumError
	)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &digest):
		return tampered(p, digest.Path, digest.Want, digest.Got)
	case errors.As(err, &start):
		e := &PluginError{ID: p.ID, Message: "the backend " + string(start.Reason), Help: startHelp(p, start.Reason), Stderr: start.Stderr, Err: start.Err}
		if start.Stdout != "" {
			e.Message += fmt.Sprintf(": it wrote %q", start.Stdout[:min(maxQuote, len(start.Stdout))])
		}
		return e
	}
	return &PluginError{ID: p.ID, Message: "the backend cannot be started", Help: reinstall(p), Err: err}
}

// maxQuote is how much is shown, in bytes, of what was not a handshake.
const maxQuote = 80

// startHelp says what to do about a backend that does not come up.
func startHelp(p *store.Plugin, reason procrun.Reason) string {
	switch reason {
	case procrun.NotExecutable:
		return "check that its file is executable and made for " + runtime.GOOS + "/" + runtime.GOARCH + "; it is in " + p.Dir
	case procrun.OtherVersion:
		return "install a version of it that speaks protocol 1, or update zlayer"
	}
	return reinstall(p)
}

// callError explains a call to a backend that failed.
func callError(ctx context.Context, id, message string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var (
		call *procrun.CallError
		died *procrun.DiedError
	)
	if errors.As(err, &call) && call.Machine {
		return stateError(err)
	}
	e := &PluginError{ID: id, Message: message, Help: "run the command again; if it happens again, report it to the plugin's author", Err: err}
	if errors.As(err, &died) {
		e.Died, e.Stderr, e.Err = true, died.Stderr, died.Err
	}
	return e
}
