// SPDX-License-Identifier: Apache-2.0

package macos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// session is a command that runs.
type session struct {
	argv, env []string
	dir       string
	// root is the folder that ZLAYER_ROOT names.
	root   string
	list   lister
	output func(stderr bool, data []byte)
}

// drainTime is how long output is waited for when the processes have ended. It
// is for one that could not be found and holds the output open.
const drainTime = 2 * time.Second

// run runs the command to the end of all its processes and returns its exit
// code; 128 plus the signal when one ended it.
func (s *session) run(ctx context.Context) (code int, err error) {
	k, err := startKeeper(s.root)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, k.close()) }()
	pipes, err := newPipes(s.output)
	if err != nil {
		return 0, err
	}
	cmd := &exec.Cmd{
		Path: s.argv[0], Args: s.argv, Env: s.env, Dir: s.dir,
		Stdout: pipes.stdout, Stderr: pipes.stderr, // stdin is empty
		SysProcAttr: &syscall.SysProcAttr{Setsid: true},
	}
	err = cmd.Start()
	pipes.started()
	if err != nil {
		pipes.wait()
		return 0, fmt.Errorf("starting %s: %w", s.argv[0], err)
	}
	f := family{session: cmd.Process.Pid, mark: func(root string) bool { return root == s.root }}
	err = k.watch(f.session)
	stop := context.AfterFunc(ctx, func() { _ = f.end(s.list) })
	_ = cmd.Wait() // the state says how it ended
	stop()
	err = errors.Join(err, f.end(s.list))
	pipes.wait()
	return exitOf(cmd.ProcessState), errors.Join(err, ctx.Err())
}

// exitOf says how a process ended.
func exitOf(state *os.ProcessState) int {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return state.ExitCode()
}

// pipes carry the output of a command.
type pipes struct {
	// stdout and stderr are where it is written.
	stdout, stderr *os.File
	ours           []*os.File
	readers        sync.WaitGroup
}

func newPipes(output func(stderr bool, data []byte)) (*pipes, error) {
	outR, outW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	errR, errW, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, outR.Close(), outW.Close())
	}
	p := &pipes{stdout: outW, stderr: errW, ours: []*os.File{outR, errR}}
	var one sync.Mutex // the output of a command is one stream
	for i, r := range p.ours {
		p.readers.Go(func() { pass(r, i == 1, &one, output) })
	}
	return p, nil
}

// pass reads to the end.
func pass(r *os.File, stderr bool, one *sync.Mutex, output func(stderr bool, data []byte)) {
	defer r.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Read(buf)
		if n > 0 && output != nil {
			one.Lock()
			output(stderr, buf[:n])
			one.Unlock()
		}
		if err != nil {
			return
		}
	}
}

// started closes the ends that the command now has.
func (p *pipes) started() {
	p.stdout.Close()
	p.stderr.Close()
}

// wait waits for all output.
func (p *pipes) wait() {
	for _, r := range p.ours {
		_ = r.SetReadDeadline(time.Now().Add(drainTime)) // it may be closed already
	}
	p.readers.Wait()
}
