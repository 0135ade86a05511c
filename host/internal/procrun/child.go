// SPDX-License-Identifier: Apache-2.0

package procrun

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin/runner"

	"github.com/zlayer/zlayer/host/internal/confine"
	"github.com/zlayer/zlayer/sdk/backend/serve"
)

// child is the operating system's side of a backend, in go-plugin's terms a
// runner.
type child struct {
	cmd      *exec.Cmd
	lifeline *os.File // the write end; the child has the read end
	inherit  *os.File // the read end, until the child is started
	out, err io.ReadCloser
	stdout   tail
	stderr   tail
	// rules are what it may touch; nil when it is not confined. It has its
	// temporary files beside its socket then.
	rules    *confine.Rules
	socket   string        // the folder of the socket; empty until it is known
	notes    string        // where the socket is noted
	note     *note         // nil when it is not
	started  chan struct{} // closed when the process runs, or cannot
	startErr error         // why it cannot; known when started is closed
	once     sync.Once
	waited   chan struct{} // closed when the process has ended
}

var _ runner.Runner = (*child)(nil)

// newChild prepares a process. Its stdin is empty, its environment is env, and
// a terminal's ^C does not reach it: that is the host's to handle.
func newChild(path string, env []string) *child {
	c := &child{cmd: exec.Command(path), stdout: tail{limit: 1 << 10}, stderr: tail{limit: 64 << 10},
		started: make(chan struct{}), waited: make(chan struct{})}
	c.cmd.Env = env
	ownGroup(c.cmd)
	return c
}

// runner gives go-plugin the child; spec holds what go-plugin adds to the
// environment, socket is the folder it has made for the socket.
func (c *child) runner(_ hclog.Logger, spec *exec.Cmd, socket string) (runner.Runner, error) {
	c.cmd.Env = append(c.cmd.Env, spec.Env...)
	c.socket = socket
	c.note = noteSocket(c.notes, socket)
	if c.rules != nil {
		c.cmd.Env = append(c.cmd.Env, tempEnv+"="+socket)
	}
	return c, nil
}

// removeSocket removes the folder of the socket, which go-plugin forgets when
// the process could not be started.
func (c *child) removeSocket() {
	if c.socket != "" {
		_ = os.RemoveAll(c.socket)
	}
	c.note.remove()
}

// Start starts the process.
func (c *child) Start(context.Context) error {
	c.startErr = c.begin()
	if c.startErr != nil {
		close(c.waited)
	}
	close(c.started)
	return c.startErr
}

func (c *child) begin() (err error) {
	if c.inherit, c.lifeline, err = os.Pipe(); err != nil {
		return err
	}
	defer c.inherit.Close()
	c.cmd.ExtraFiles = []*os.File{c.inherit}
	c.cmd.Env = append(c.cmd.Env, serve.LifelineEnv+"="+strconv.Itoa(3))
	if c.out, err = c.cmd.StdoutPipe(); err != nil {
		return err
	}
	if c.err, err = c.cmd.StderrPipe(); err != nil {
		return err
	}
	if c.rules == nil {
		return c.cmd.Start()
	}
	// When the host is dead, it removes the folder of its socket itself.
	own := confine.Rules{Write: []string{c.socket}, Rmdir: []string{filepath.Dir(c.socket)}}
	return confine.Start(c.cmd, c.rules.With(own))
}

// Wait waits for the end of the process. go-plugin calls it when it has read
// all output. What is left of the process's group is killed: a backend that
// crashed did not do it.
func (c *child) Wait(context.Context) error {
	err := c.cmd.Wait()
	c.once.Do(func() {
		killGroup(c.cmd.Process)
		close(c.waited)
	})
	return err
}

// Kill kills the process and its group.
func (c *child) Kill(context.Context) error {
	c.kill()
	return nil
}

func (c *child) kill() {
	select {
	case <-c.started:
	default:
		return
	}
	if c.startErr != nil {
		return
	}
	select {
	case <-c.waited: // the number may already be another's
	default:
		killGroup(c.cmd.Process)
	}
}

// cutLifeline tells the process that it must end.
func (c *child) cutLifeline() {
	if c.lifeline != nil {
		_ = c.lifeline.Close()
	}
}

// closeOutput ends the output that some process outside the group still holds
// open, so that nobody waits for it.
func (c *child) closeOutput() {
	for _, r := range []io.Closer{c.out, c.err} {
		if r != nil {
			_ = r.Close()
		}
	}
}

// Stdout is where the handshake comes from.
func (c *child) Stdout() io.ReadCloser { return tee{c.out, &c.stdout} }

// Stderr is kept for a failure report.
func (c *child) Stderr() io.ReadCloser { return tee{c.err, &c.stderr} }

// Name is the path of the executable.
func (c *child) Name() string { return c.cmd.Path }

// ID is the process id.
func (c *child) ID() string {
	if c.cmd.Process == nil {
		return ""
	}
	return strconv.Itoa(c.cmd.Process.Pid)
}

// Diagnose adds nothing: startError says it.
func (c *child) Diagnose(context.Context) string { return "" }

// PluginToHost changes nothing: both see the same file system.
func (c *child) PluginToHost(network, address string) (string, string, error) {
	return network, address, nil
}

// HostToPlugin changes nothing.
func (c *child) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}

// startError says why the process did not come up. go-plugin's own errors are
// texts, so the facts decide. late says that the time was up: else one that was
// killed was not killed by us, but, say, by a system out of memory.
func (c *child) startError(id string, late bool, err error) error {
	e := &StartError{ID: id, Stderr: c.stderr.String()}
	line, _, _ := strings.Cut(c.stdout.String(), "\n")
	version, isHandshake := handshake(line)
	switch {
	case c.startErr != nil:
		e.Reason, e.Err = NotExecutable, unwrapExec(c.startErr)
	case isHandshake && version != serve.Handshake().ProtocolVersion:
		e.Reason, e.Err = OtherVersion, fmt.Errorf("it speaks %d, this zlayer speaks %d", version, serve.Handshake().ProtocolVersion)
	case isHandshake:
		e.Reason, e.Err = Rubbish, err
	case line != "":
		e.Reason, e.Stdout = Rubbish, line
	case c.ended(), !late:
		e.Reason, e.Err = Died, c.exit()
	default:
		e.Reason = TimedOut
	}
	return e
}

// handshake reads go-plugin's handshake line: core version, protocol version,
// network, address, …
func handshake(line string) (version uint, ok bool) {
	parts := strings.Split(line, "|")
	if len(parts) < 4 || parts[0] != "1" {
		return 0, false
	}
	n, err := strconv.ParseUint(parts[1], 10, 32)
	return uint(n), err == nil
}

// unwrapExec strips the path, which the message already has in its plugin.
func unwrapExec(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// ended reports whether the process ended by itself.
func (c *child) ended() bool {
	select {
	case <-c.waited:
		return c.cmd.ProcessState == nil || !killed(c.cmd.ProcessState)
	default:
		return false
	}
}

// exit says how the process ended.
func (c *child) exit() error {
	<-c.waited
	if c.cmd.ProcessState == nil {
		return nil
	}
	return errors.New(c.cmd.ProcessState.String())
}

// tee copies what is read from a stream.
type tee struct {
	io.ReadCloser
	tail *tail
}

func (t tee) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	t.tail.add(p[:n])
	return n, err
}

// tail keeps the end of a stream.
type tail struct {
	limit int
	mu    sync.Mutex
	data  []byte
}

func (t *tail) add(p []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.data = append(t.data, p...)
	if len(t.data) > 2*t.limit {
		t.data = append([]byte(nil), t.data[len(t.data)-t.limit:]...)
	}
}

// String returns what was kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.data[max(0, len(t.data)-t.limit):])
}
