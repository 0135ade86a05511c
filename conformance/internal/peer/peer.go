// SPDX-License-Identifier: Apache-2.0

// Package peer speaks to a backend process as SPEC.md 6 says a host does. It is
// the suite's own and shares no code with the host, nor with go-plugin, so that
// it can also do what a host never would.
package peer

import (
	"context"
	"errors"
	"time"

	"github.com/zlayer/zlayer/sdk/gen/backendv1/backendv1grpc"
)

// Options say how a backend is started. The zero value of the switches is what
// SPEC asks of a host.
type Options struct {
	// Path is the executable.
	Path string
	// Dir is its working directory. Empty: a new empty folder.
	Dir string
	// Env is the environment besides what the protocol needs.
	Env []string
	// Sockets is the folder for the socket. Empty: a new one of mode 0700.
	Sockets string
	// NoCookie leaves the cookie out, as when run by hand.
	NoCookie bool
	// NoLifeline leaves the lifeline out.
	NoLifeline bool
	// Handshake is how long the handshake line is waited for. 0: 10 seconds.
	Handshake time.Duration
}

// Process is a backend that runs and has shaken hands.
type Process struct {
	// Client calls it.
	Client backendv1grpc.BackendClient
	// Line is the handshake line.
	Line string
	// Took is the time from the start to the handshake line.
	Took time.Duration
}

// Start starts a backend, reads its handshake line and connects.
func Start(ctx context.Context, o Options) (*Process, error) { return nil, errors.New("not yet") }

// Pid is the process id.
func (p *Process) Pid() int { return 0 }

// CutLifeline closes the host's end of the lifeline, as the death of a host
// does.
func (p *Process) CutLifeline() {}

// Kill kills the process alone, not what it has started.
func (p *Process) Kill() {}

// Exited waits for its end and returns the exit code; -1 for a signal. ok is
// false when it still runs after d.
func (p *Process) Exited(d time.Duration) (code int, ok bool) { return 0, false }

// Stdout is what it wrote there after the handshake line.
func (p *Process) Stdout() string { return "" }

// Stderr is what it wrote there.
func (p *Process) Stderr() string { return "" }

// Close ends it the way a host does, then the hard way, and removes what the
// peer made. It may be called after anything else.
func (p *Process) Close() error { return nil }
