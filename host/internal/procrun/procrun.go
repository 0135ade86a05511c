// SPDX-License-Identifier: Apache-2.0

// Package procrun runs backends: it checks their files, starts them with
// nothing they did not ask for, talks to them, and sees to it that they end. No
// other package knows go-plugin or gRPC.
package procrun

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"

	"github.com/zlayer/zlayer/host/internal/confine"
	"github.com/zlayer/zlayer/host/internal/starts"
	"github.com/zlayer/zlayer/sdk/backend/serve"
	"github.com/zlayer/zlayer/sdk/gen/backendv1/backendv1grpc"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// Options says what to start.
type Options struct {
	// ID is the plugin, for messages.
	ID string
	// Dir is its folder.
	Dir string
	// Files are its files for this platform; one has the role main.
	Files []manifest.File
	// Allow lists the variables it is given: names, or prefixes with "*".
	Allow []string
	// Environ is where their values come from, as from os.Environ.
	Environ []string
	// Notes is a folder in which it is noted where sockets are, so that a
	// later Start can remove the one of a host and a backend that were both
	// killed. Empty: nothing is noted.
	Notes string
	// Confine is what it may touch beside its own files and the folder of its
	// socket, where its temporary files are then. Nil: all that the user may.
	Confine *confine.Rules
	// InUse is a file that is locked, shared, while it runs. Empty: none is.
	InUse string
	// Gate limits starts.
	Gate starts.Gate
	// StartTimeout is how long it may take until it can be called. 0 means
	// ten seconds.
	StartTimeout time.Duration
}

// Process is a running backend. Its methods may be called concurrently.
type Process struct {
	id     string
	child  *child
	plugin *plugin.Client
	client backendv1grpc.BackendClient
	close  sync.Once
	gate   starts.Gate
	letGo  func() // of the lock that says it is in use
	// died is whether it ended by itself.
	died atomic.Bool
	// unfinished counts the builds that did not come to an end, yet or ever.
	unfinished atomic.Int32
}

// Start starts a backend. The error is a *manifest.ChecksumError when a file is
// not what the manifest says, and a *StartError when it does not come up.
func Start(ctx context.Context, o Options) (*Process, error) {
	letGo, err := hold(ctx, o.InUse)
	if err != nil {
		return nil, err
	}
	p, err := checked(ctx, o)
	if err != nil {
		letGo()
		return nil, err
	}
	p.letGo = letGo
	return p, nil
}

// checked is Start of files that are held.
func checked(ctx context.Context, o Options) (*Process, error) {
	main, err := verifyMain(o)
	if err != nil {
		return nil, err
	}
	rest := make(chan error, 1)
	go func() { rest <- verifyRest(o) }()
	p, err := admitted(ctx, o, main)
	// The other files are only used by a build, so they are checked while the
	// process comes up.
	if verifyErr := <-rest; verifyErr != nil {
		err = verifyErr
	}
	if err != nil {
		if p != nil {
			p.Close()
		}
		return nil, err
	}
	return p, nil
}

// admitted is start, when the gate lets it.
func admitted(ctx context.Context, o Options, main string) (*Process, error) {
	leave, err := o.Gate.Enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	p, err := start(ctx, o, main)
	var e *StartError
	if errors.As(err, &e) && e.Reason == Died {
		o.Gate.Crashed()
	}
	return p, err
}

// start runs the executable until it can be called.
func start(ctx context.Context, o Options, main string) (*Process, error) {
	if o.StartTimeout == 0 {
		o.StartTimeout = 10 * time.Second
	}
	removeOldSockets(o.Notes)
	c := newChild(main, Environment(o.Allow, o.Environ))
	c.notes = o.Notes
	if o.Confine != nil {
		rules := o.Confine.With(confine.Rules{Read: []string{o.Dir}})
		c.rules = &rules
	}
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  serve.Handshake(),
		Plugins:          plugin.PluginSet{serve.Name: serve.ClientPlugin()},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		RunnerFunc:       c.runner,
		SkipHostEnv:      true,
		StartTimeout:     o.StartTimeout,
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: socketParent()},
		Logger:           hclog.NewNullLogger(),
		GRPCDialOptions:  serve.DialOptions(),
	})
	p := &Process{id: o.ID, child: c, plugin: client, gate: o.Gate, letGo: func() {}}
	connected := make(chan error, 1)
	began := time.Now()
	go func() { connected <- p.connect() }()
	select {
	case err := <-connected:
		if err == nil {
			return p, nil
		}
		late := time.Since(began) >= o.StartTimeout
		p.end()
		return nil, c.startError(o.ID, late, err)
	case <-ctx.Done():
		select {
		case <-c.started:
			c.kill()
			<-connected //nolint:errcheck // that of ctx is the one that counts
		case <-connected: //nolint:errcheck // as above
		}
		p.end()
		return nil, ctx.Err()
	}
}

// connect starts the process and gets its client.
func (p *Process) connect() error {
	rpc, err := p.plugin.Client()
	if err != nil {
		return err
	}
	raw, err := rpc.Dispense(serve.Name)
	if err != nil {
		return err
	}
	client, ok := raw.(backendv1grpc.BackendClient)
	if !ok {
		return errors.New("not a backend")
	}
	p.client = client
	return nil
}

// How long a backend gets to end when it is asked to, and its output to end
// when it is dead.
const (
	closeGrace  = 5 * time.Second
	outputGrace = time.Second
)

// Close ends the process and everything it started: it is asked first, then
// killed. It takes six seconds at most, whatever the backend does.
func (p *Process) Close() {
	p.close.Do(func() {
		if p.died.Load() {
			p.gate.Crashed()
		} else {
			p.gate.Worked()
		}
		p.end()
		p.letGo()
	})
}

// end ends the process.
func (p *Process) end() {
	p.child.cutLifeline()
	asked := make(chan struct{})
	go func() {
		p.plugin.Kill()
		close(asked)
	}()
	if !within(asked, closeGrace) {
		p.child.kill()
		if !within(asked, outputGrace) {
			p.child.closeOutput()
			<-asked
		}
	}
	p.child.kill()
	p.child.removeSocket()
}

// within waits for c, and reports whether it was closed in time.
func within(c <-chan struct{}, d time.Duration) bool {
	select {
	case <-c:
		return true
	case <-time.After(d):
		return false
	}
}

// Stderr returns the end of what the process wrote on stderr.
func (p *Process) Stderr() string { return p.child.stderr.String() }

// Reason says why a backend did not come up.
type Reason string

// The reasons.
const (
	// NotExecutable: the system cannot run the file.
	NotExecutable Reason = "cannot be run"
	// Died: it ended before it could be called.
	Died Reason = "ended at once"
	// Rubbish: it wrote something else than the handshake on stdout.
	Rubbish Reason = "did not answer like a backend"
	// TimedOut: it did not come up in time.
	TimedOut Reason = "did not start in time"
	// OtherVersion: it speaks another version of the protocol.
	OtherVersion Reason = "speaks another version of the protocol"
)

// StartError says that a backend did not come up.
type StartError struct {
	// ID is the plugin.
	ID string
	// Reason is why.
	Reason Reason
	// Stdout is the first line it wrote there.
	Stdout string
	// Stderr is the end of what it wrote there.
	Stderr string
	// Err is the cause. May be nil.
	Err error
}

// Error says what happened.
func (e *StartError) Error() string {
	text := fmt.Sprintf("backend %s %s", e.ID, e.Reason)
	if e.Stdout != "" {
		text += fmt.Sprintf(": it wrote %q", e.Stdout)
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *StartError) Unwrap() error { return e.Err }

// CallError says that a backend could not do what it was asked, in its own
// words.
type CallError struct {
	// ID is the plugin.
	ID string
	// Message is what it said.
	Message string
	// Machine says that the machine is to blame, and the backend is not.
	Machine bool
}

// Error returns the plugin and what it said.
func (e *CallError) Error() string { return fmt.Sprintf("backend %s: %s", e.ID, e.Message) }

// DiedError says that a backend ended, or broke the protocol, in the middle of
// a call.
type DiedError struct {
	// ID is the plugin.
	ID string
	// Stderr is the end of what it wrote there.
	Stderr string
	// Err is the cause.
	Err error
}

// Error says what happened.
func (e *DiedError) Error() string { return fmt.Sprintf("backend %s broke off: %v", e.ID, e.Err) }

// Unwrap returns the cause.
func (e *DiedError) Unwrap() error { return e.Err }
