// SPDX-License-Identifier: Apache-2.0

package procrun

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

// cancelGrace is how long a cancelled build may take to end (SPEC B6), and a
// little for a busy machine.
const cancelGrace = 8 * time.Second

// Handler gets what a running build reports.
type Handler interface {
	// Event gets every event that is not an end or a question, one at a time.
	Event(*backendv1.BuildEvent)
	// Answer answers a question. It may be called while Event runs.
	Answer(context.Context, *backendv1.Ask) *backendv1.Answer
}

// FailedError is a build that the backend could not do, in its own words.
type FailedError struct{ *backendv1.Failed }

// Error returns the backend's message.
func (e *FailedError) Error() string { return e.GetMessage() }

// Build runs one build. When ctx ends the backend is told, and killed when it
// does not end soon; the error is then that of ctx. The error is a
// *FailedError when the backend said what is wrong, a *DiedError when it
// could not.
func (p *Process) Build(ctx context.Context, start *backendv1.Start, h Handler) (*backendv1.Artifact, error) {
	// The stream outlives ctx, so that the backend can say when it is done.
	streamCtx, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	p.unfinished.Add(1)
	stream, err := p.client.Build(streamCtx)
	if err != nil {
		return nil, p.broken(ctx, err)
	}
	c := &conversation{stream: stream, handler: h}
	if err := c.send(&backendv1.BuildRequest{Message: &backendv1.BuildRequest_Start{Start: start}}); err != nil {
		return nil, p.broken(ctx, err)
	}
	stop := context.AfterFunc(ctx, func() {
		// A backend that reads nothing must not keep us from killing it.
		go func() {
			_ = c.send(&backendv1.BuildRequest{Message: &backendv1.BuildRequest_Cancel{Cancel: &backendv1.Cancel{}}})
		}()
		if !within(streamCtx.Done(), cancelGrace) {
			p.child.kill()
		}
	})
	defer stop()
	artifact, err := c.listen(streamCtx)
	end() // nobody waits for answers any more
	c.answers.Wait()
	var failed *FailedError
	told := err == nil || errors.As(err, &failed)
	if told {
		p.unfinished.Add(-1)
	}
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case !told:
		return nil, p.broken(ctx, err)
	}
	return artifact, err
}

// Unfinished reports whether there was a build whose end the backend did not
// tell, so that something may be left of it.
func (p *Process) Unfinished() bool { return p.unfinished.Load() > 0 }

// conversation is the stream of one build.
type conversation struct {
	stream  grpc.BidiStreamingClient[backendv1.BuildRequest, backendv1.BuildEvent]
	handler Handler
	mu      sync.Mutex // sending
	answers sync.WaitGroup
}

func (c *conversation) send(m *backendv1.BuildRequest) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stream.Send(m)
}

// listen passes events on until the build ends.
func (c *conversation) listen(ctx context.Context) (*backendv1.Artifact, error) {
	for {
		e, err := c.stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil, errors.New("it ended the build without a result")
		}
		if err != nil {
			return nil, err
		}
		switch ev := e.GetEvent().(type) {
		case *backendv1.BuildEvent_Artifact:
			return ev.Artifact, nil
		case *backendv1.BuildEvent_Failed:
			return nil, &FailedError{ev.Failed}
		case *backendv1.BuildEvent_Ask:
			c.answers.Go(func() { c.answer(ctx, ev.Ask) })
		default:
			c.handler.Event(e)
		}
	}
}

// answer answers a question. When it cannot be sent, the stream is broken and
// listen says so.
func (c *conversation) answer(ctx context.Context, ask *backendv1.Ask) {
	a := c.handler.Answer(ctx, ask)
	a.Id = ask.GetId()
	_ = c.send(&backendv1.BuildRequest{Message: &backendv1.BuildRequest_Answer{Answer: a}})
}

// Describe asks what the backend can do on this machine.
func (p *Process) Describe(ctx context.Context, r *backendv1.DescribeRequest) (*backendv1.DescribeResponse, error) {
	d, err := p.client.Describe(ctx, r)
	return d, p.broken(ctx, err)
}

// Has asks whether an artifact still exists.
func (p *Process) Has(ctx context.Context, r *backendv1.HasRequest) (bool, error) {
	h, err := p.client.Has(ctx, r)
	return h.GetPresent(), p.broken(ctx, err)
}

// Export asks for blobs of an artifact.
func (p *Process) Export(ctx context.Context, r *backendv1.ExportRequest) error {
	_, err := p.client.Export(ctx, r)
	return p.broken(ctx, err)
}

// Remove asks to forget artifacts.
func (p *Process) Remove(ctx context.Context, r *backendv1.RemoveRequest) error {
	_, err := p.client.Remove(ctx, r)
	return p.broken(ctx, err)
}

// Recover asks to remove what dead jobs left behind.
func (p *Process) Recover(ctx context.Context, r *backendv1.RecoverRequest) error {
	_, err := p.client.Recover(ctx, r)
	return p.broken(ctx, err)
}

// deathGrace is how long the end of a process is waited for when its
// connection broke.
const deathGrace = 2 * time.Second

// broken makes the error of a call one of this package.
func (p *Process) broken(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	s, ok := status.FromError(err)
	if !ok || s.Code() != codes.Unavailable {
		message := err.Error()
		if ok {
			message = s.Message()
		}
		return &CallError{ID: p.id, Message: message, Machine: s.Code() == codes.FailedPrecondition}
	}
	p.died.Store(true)
	// How it ended, and its last words, say more than that the line is dead.
	died := &DiedError{ID: p.id, Err: errors.New(s.Message())}
	if within(p.child.waited, deathGrace) && p.child.cmd.ProcessState != nil {
		died.Err = p.child.exit()
	}
	died.Stderr = p.Stderr()
	return died
}
