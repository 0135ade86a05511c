// SPDX-License-Identifier: Apache-2.0

// Package peer speaks to a backend process as SPEC.md 6 says a host does. It is
// the suite's own and shares no code with the host, nor with go-plugin, so that
// it can also do what a host never would.
package peer

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"google.golang.org/grpc"

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

	child   *child
	conn    *grpc.ClientConn
	folders []string // what the peer made, removed by Close
	close   sync.Once
	unended error // what Close says
}

// StartError says that a backend did not come up. It has ended, or was killed.
type StartError struct {
	// Reason is one sentence: why.
	Reason string
	// Code is its exit code; -1 for a signal, also for that of the peer.
	Code int
	// Stdout and Stderr are what it wrote.
	Stdout, Stderr string
}

// Error returns the reason.
func (e *StartError) Error() string { return e.Reason }

// handshakeTime is how long a handshake line may take, unless Options say.
const handshakeTime = 10 * time.Second

// Start starts a backend, reads its handshake line and connects. When it does
// not come up the error is a *StartError.
func Start(ctx context.Context, o Options) (*Process, error) {
	p := &Process{}
	err := p.start(ctx, o)
	if err != nil {
		p.clean()
		return nil, err
	}
	return p, nil
}

func (p *Process) start(ctx context.Context, o Options) (err error) {
	for _, dir := range []*string{&o.Dir, &o.Sockets} {
		if *dir != "" {
			continue
		}
		if *dir, err = os.MkdirTemp("", "zlayer-peer-"); err != nil {
			return fmt.Errorf("making a folder for a backend: %w", err)
		}
		p.folders = append(p.folders, *dir)
	}
	if o.Handshake == 0 {
		o.Handshake = handshakeTime
	}
	began := time.Now()
	if p.child, err = spawn(o); err != nil {
		return err
	}
	reason := p.shake(ctx, o.Handshake)
	p.Took = time.Since(began)
	if reason != "" {
		return p.child.fail(reason)
	}
	address, err := Address(p.Line)
	if err != nil {
		return p.child.fail(err.Error())
	}
	if p.conn, err = dial(address); err != nil {
		return p.child.fail(err.Error())
	}
	p.Client = backendv1grpc.NewBackendClient(p.conn)
	return nil
}

// shake reads the handshake line. It returns why there is none.
func (p *Process) shake(ctx context.Context, d time.Duration) (reason string) {
	select {
	case <-p.child.stdout.first:
		p.Line, _ = p.child.stdout.line()
		return ""
	case <-p.child.ended:
		if line, whole := p.child.stdout.line(); whole {
			p.Line = line
			return ""
		}
		return "it ended before it wrote a handshake line"
	case <-time.After(d):
		return fmt.Sprintf("it wrote no handshake line within %v", d)
	case <-ctx.Done():
		return "the time was up before it wrote a handshake line"
	}
}

// Pid is the process id, which is also the id of its group.
func (p *Process) Pid() int { return p.child.cmd.Process.Pid }

// CutLifeline closes the host's end of the lifeline, as the death of a host
// does.
func (p *Process) CutLifeline() { p.child.cut() }

// Disconnect closes the connection, as the death of a host does.
func (p *Process) Disconnect() { _ = p.conn.Close() }

// Kill kills the process alone, not what it has started.
func (p *Process) Kill() { p.child.kill() }

// Stop stops the process alone, and Continue lets it go on.
func (p *Process) Stop() { p.child.stop() }

// Continue lets a stopped process go on.
func (p *Process) Continue() { p.child.cont() }

// Exited waits for its end and returns the exit code; -1 for a signal. ok is
// false when it still runs after d.
func (p *Process) Exited(d time.Duration) (code int, ok bool) {
	select {
	case <-p.child.ended:
		return p.child.code(), true
	case <-time.After(d):
	}
	select {
	case <-p.child.ended: // at the last moment, or d is 0
		return p.child.code(), true
	default:
		return 0, false
	}
}

// Stdout is what it wrote there after the handshake line.
func (p *Process) Stdout() string { return p.child.stdout.rest() }

// Stderr is what it wrote there.
func (p *Process) Stderr() string { return p.child.stderr.String() }

// How long Close waits: for an orderly end, and for the answer to asking.
const (
	closeGrace = 6 * time.Second
	askGrace   = time.Second
)

// Close ends it the way a host does, then the hard way, and removes what the
// peer made. It may be called after anything else, and again. The error says
// that it had to be the hard way.
func (p *Process) Close() error {
	p.close.Do(func() {
		p.child.cont()
		p.child.cut()
		ctx, cancel := context.WithTimeout(context.Background(), askGrace)
		_ = p.Shutdown(ctx) // it may be dead
		cancel()
		if _, ended := p.Exited(closeGrace); !ended {
			p.unended = fmt.Errorf("it did not end within %v of being asked to", closeGrace)
		}
		p.child.killGroup()
		<-p.child.ended
		_ = p.conn.Close()
		p.clean()
	})
	return p.unended
}

// clean removes the folders that the peer made.
func (p *Process) clean() {
	for _, dir := range p.folders {
		_ = os.RemoveAll(dir)
	}
}
