// SPDX-License-Identifier: Apache-2.0

package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/wire"
	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

// The calls, as package worker has them. Its constants are not used, because
// it links buildah.
const (
	opBuild   = "build"
	opHas     = "has"
	opExport  = "export"
	opRemove  = "remove"
	opRecover = "recover"
)

// grace is how long a worker has to end by itself.
const grace = time.Second

// worker is a running worker.
type worker struct {
	cmd      *exec.Cmd
	requests *wire.Writer
	stdin    io.Closer
	events   *wire.Reader
	pipe     *os.File
	errors   tail
	// ended closes when the process is gone; exit is then how it went.
	ended chan struct{}
	exit  error
	stop  func()
	// finished says that the last event came.
	finished bool
}

// start starts a worker.
func (b *Backend) start(op string) (*worker, error) {
	r, events, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer events.Close()
	w := &worker{cmd: exec.Command(b.Worker, op), events: wire.NewReader(r), pipe: r, ended: make(chan struct{})}
	w.stop = sync.OnceFunc(w.end)
	w.cmd.Env = environment()
	w.cmd.Dir = "/"
	w.cmd.ExtraFiles = []*os.File{events}
	w.cmd.Stdout, w.cmd.Stderr = &w.errors, &w.errors
	w.cmd.WaitDelay = grace
	w.cmd.SysProcAttr = attributes()
	stdin, err := w.cmd.StdinPipe()
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	w.stdin, w.requests = stdin, wire.NewWriter(stdin)
	started := make(chan error)
	go w.run(started)
	if err := <-started; err != nil {
		return nil, errors.Join(fmt.Errorf("starting the worker: %w", err), r.Close())
	}
	return w, nil
}

// attributes puts a worker into a process group of its own, out of reach of a
// terminal's ^C. Root also gives it its namespaces (jail.Flags); for another
// user it makes them itself.
func attributes() *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() == 0 {
		a.Cloneflags = syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWIPC
	}
	return a
}

// run keeps the thread that started the worker, because the worker dies with
// it.
func (w *worker) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := w.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	w.exit = w.cmd.Wait()
	close(w.ended)
}

// end ends the worker: first by closing its stdin, which process 1 of the jail
// takes as the end, then by force.
func (w *worker) end() {
	w.stdin.Close()
	select {
	case <-w.ended:
	case <-time.After(grace):
		w.cmd.Process.Kill() //nolint:errcheck // it may be gone
	}
}

// close waits until the worker is gone.
func (w *worker) close() {
	w.stop()
	<-w.ended
	w.pipe.Close()
}

// last returns what the last event says.
func (w *worker) last(e *backendv1.BuildEvent) (*backendv1.Artifact, error) {
	w.finished = true
	if f := e.GetFailed(); f != nil {
		return nil, &backend.Failure{
			Kind: f.Kind, Ref: f.Ref, Message: f.Message, Help: f.Help, ExitCode: int(f.ExitCode), Findings: f.Findings,
		}
	}
	return e.GetArtifact(), nil
}

// died explains a worker that ended without a last event.
func (w *worker) died(err error) error {
	<-w.ended
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading from the worker: %w", err)
	}
	text := strings.TrimSpace(w.errors.String())
	if text == "" {
		text = "it said nothing"
	}
	return fmt.Errorf("the worker ended before its work (%w): %s", w.exit, text)
}

// call does a call that has one request and no events but the last.
func (b *Backend) call(ctx context.Context, op string, m wire.Message) (*backendv1.Artifact, error) {
	w, err := b.start(op)
	if err != nil {
		return nil, err
	}
	defer w.close()
	defer context.AfterFunc(ctx, w.stop)()
	sendErr := w.requests.Send(m)
	var e backendv1.BuildEvent
	if err := w.events.Receive(&e); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, errors.Join(w.died(err), sendErr)
	}
	return w.last(&e)
}

// build does a build.
func (w *worker) build(ctx context.Context, start *backendv1.Start, job backend.Job) (*backendv1.Artifact, error) {
	defer w.close()
	sendErr := w.requests.Send(&backendv1.BuildRequest{Message: &backendv1.BuildRequest_Start{Start: start}})
	for {
		var e backendv1.BuildEvent
		if err := w.events.Receive(&e); err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, errors.Join(w.died(err), sendErr)
		}
		if e.GetArtifact() != nil || e.GetFailed() != nil {
			return w.last(&e)
		}
		w.relay(ctx, &e, job)
	}
}

// relay passes an event to the host.
func (w *worker) relay(ctx context.Context, e *backendv1.BuildEvent, job backend.Job) {
	switch e := e.Event.(type) {
	case *backendv1.BuildEvent_StepStarted:
		job.StepStarted(e.StepStarted.Ref, e.StepStarted.Name)
	case *backendv1.BuildEvent_StepFinished:
		job.StepFinished(e.StepFinished.Ref, e.StepFinished.Cached)
	case *backendv1.BuildEvent_Output:
		job.Output(e.Output.Ref, e.Output.Stderr, e.Output.Data)
	case *backendv1.BuildEvent_Progress:
		job.Progress(e.Progress.Ref, e.Progress.Name, e.Progress.Current, e.Progress.Total)
	case *backendv1.BuildEvent_Warning:
		job.Warn(e.Warning.Ref, e.Warning.Finding)
	case *backendv1.BuildEvent_InputRead:
		job.InputRead(e.InputRead.Kind, e.InputRead.Name, e.InputRead.Digest)
	case *backendv1.BuildEvent_Ask:
		go w.answer(ctx, e.Ask, job)
	}
}

// answer asks the host for a secret or an agent. An error of the host ends the
// worker: there is no answer that would say so.
func (w *worker) answer(ctx context.Context, ask *backendv1.Ask, job backend.Job) {
	a := &backendv1.Answer{Id: ask.Id}
	var ok bool
	var err error
	if ask.Secret != "" {
		a.Secret, ok, err = job.Secret(ctx, ask.Secret)
	} else {
		a.Socket, ok, err = job.SSH(ctx, ask.Ssh)
	}
	a.Absent = !ok
	if err == nil {
		err = w.requests.Send(&backendv1.BuildRequest{Message: &backendv1.BuildRequest_Answer{Answer: a}})
	}
	if err != nil {
		fmt.Fprintf(&w.errors, "answering the worker: %v\n", err)
		w.stop()
	}
}

// tail keeps the end of what a worker prints, for when it dies.
type tail struct {
	mu   sync.Mutex
	text []byte
}

// tailSize is how much a tail keeps.
const tailSize = 8 << 10

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-tailSize):]
	return len(p), nil
}

// String returns what is kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
