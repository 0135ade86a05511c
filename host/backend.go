// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"

	"github.com/zlayer/zlayer/host/internal/procrun"
	"github.com/zlayer/zlayer/host/internal/store"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

// running is a started backend with its state folder.
type running struct {
	id       string
	process  *procrun.Process
	stateDir string
}

// start starts a backend and has it remove what dead jobs left behind.
func (h *Host) start(ctx context.Context, p *store.Plugin) (*running, error) {
	stateDir, err := h.makeDir("backends", filepath.FromSlash(p.ID))
	if err != nil {
		return nil, err
	}
	notes, err := h.makeDir("sockets")
	if err != nil {
		return nil, err
	}
	process, err := procrun.Start(ctx, procrun.Options{
		ID: p.ID, Dir: p.Dir, Files: p.Manifest.On(runtime.GOOS + "/" + runtime.GOARCH),
		Allow: p.Manifest.Environment, Environ: h.config.Environ, Notes: notes,
	})
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
		digest *procrun.DigestError
	)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &digest):
		return tampered(p, digest.Path, digest.Expected, digest.Got)
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

// tampered says that a file of a plugin is not what its manifest says.
func tampered(p *store.Plugin, path, expected, got string) error {
	return &PluginError{
		ID:      p.ID,
		Message: fmt.Sprintf("%s is not the file its manifest names: expected %s, got %s", path, expected, got),
		Help:    "reinstall it; if you built it yourself, run zlayer plugin seal " + p.Dir,
	}
}

// callError explains a call to a backend that failed.
func callError(ctx context.Context, id, message string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	e := &PluginError{ID: id, Message: message, Help: "run the command again; if it happens again, report it to the plugin's author", Err: err}
	var died *procrun.DiedError
	if errors.As(err, &died) {
		e.Died, e.Stderr, e.Err = true, died.Stderr, died.Err
	}
	return e
}
