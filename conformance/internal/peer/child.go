// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"fmt"
	"os"
	"os/exec"
	"sync"
	"time"
)

// What a host and a backend must agree on (SPEC.md 6).
const (
	cookie      = "ZLAYER_BACKEND_PLUGIN=backend-v1"
	lifelineEnv = "ZLAYER_LIFELINE_FD"
	lifelineFD  = 3 // the first of exec.Cmd.ExtraFiles
)

// child is the operating system's side of a backend.
type child struct {
	cmd            *exec.Cmd
	stdout, stderr *capture
	ended          chan struct{} // closed when the process has been waited for

	mu       sync.Mutex
	lifeline *os.File // the write end; nil when it is cut, or was left out
	over     bool     // waited for: its number may be another's
}

// spawn starts the process in a group of its own, so that a terminal's ^C does
// not reach it.
func spawn(o Options) (*child, error) {
	c := &child{cmd: exec.Command(o.Path), stdout: newCapture(), stderr: newCapture(), ended: make(chan struct{})}
	c.cmd.Dir, c.cmd.Env = o.Dir, environment(o)
	c.cmd.Stdout, c.cmd.Stderr = c.stdout, c.stderr
	ownGroup(c.cmd)
	// What it started may hold its output open for ever.
	c.cmd.WaitDelay = outputGrace
	if !o.NoLifeline {
		r, w, err := os.Pipe()
		if err != nil {
			return nil, fmt.Errorf("making the lifeline: %w", err)
		}
		defer r.Close()
		c.lifeline, c.cmd.ExtraFiles = w, []*os.File{r}
	}
	if err := c.cmd.Start(); err != nil {
		c.cut()
		return nil, &StartError{Reason: fmt.Sprintf("it cannot be run: %v", err), Code: -1}
	}
	go c.wait()
	return c, nil
}

// outputGrace is how long output is read after the end of the process.
const outputGrace = time.Second

// environment is what the protocol needs, after what the caller wants.
func environment(o Options) []string {
	env := append([]string{}, o.Env...)
	if !o.NoCookie {
		env = append(env, cookie)
	}
	if !o.NoLifeline {
		env = append(env, fmt.Sprintf("%s=%d", lifelineEnv, lifelineFD))
	}
	return append(env, "PLUGIN_UNIX_SOCKET_DIR="+o.Sockets, "PLUGIN_MIN_PORT=0", "PLUGIN_MAX_PORT=0", "PLUGIN_PROTOCOL_VERSIONS=1")
}

// wait waits for the end. From then on nothing is sent to its number.
func (c *child) wait() {
	_ = c.cmd.Wait()
	c.mu.Lock()
	c.over = true
	c.mu.Unlock()
	close(c.ended)
}

// fail ends a process that did not come up.
func (c *child) fail(reason string) error {
	c.cut()
	c.killGroup()
	<-c.ended
	return &StartError{Reason: reason, Code: c.code(), Stdout: c.stdout.String(), Stderr: c.stderr.String()}
}

// code is the exit code once it has ended; -1 for a signal.
func (c *child) code() int { return c.cmd.ProcessState.ExitCode() }

// cut closes the lifeline.
func (c *child) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lifeline != nil {
		_ = c.lifeline.Close()
		c.lifeline = nil
	}
}
