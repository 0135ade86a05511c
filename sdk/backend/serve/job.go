// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"bytes"
	"context"
	"errors"
	"sync"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

const (
	// queued is how many events may wait before the build has to.
	queued = 64
	// maxOutput is the most that one Output event carries, in bytes.
	maxOutput = 256 << 10
)

// job is the backend.Job of one build. Events go through one queue, so that
// the host sees them in the order in which they were reported. When the host
// does not keep up the queue is full and the reporter waits.
type job struct {
	ctx    context.Context
	events chan *backendv1.BuildEvent
	// closed is closed after Build returned; what is reported later is lost.
	closed chan struct{}

	mu sync.Mutex
	// last is the id of the latest question.
	last uint32
	// asked are the questions without an answer.
	asked map[uint32]chan *backendv1.Answer
}

var _ backend.Job = (*job)(nil)

func newJob(ctx context.Context) *job {
	return &job{
		ctx:    ctx,
		events: make(chan *backendv1.BuildEvent, queued),
		closed: make(chan struct{}),
		asked:  map[uint32]chan *backendv1.Answer{},
	}
}

// send sends events until the job is closed and the queue is empty. When the
// host cannot be reached it cancels the build and drops the rest.
func (j *job) send(stream buildStream, cancel context.CancelFunc) error {
	var broken error
	deliver := func(e *backendv1.BuildEvent) {
		if broken != nil {
			return
		}
		if broken = stream.Send(e); broken != nil {
			cancel()
		}
	}
	for {
		select {
		case e := <-j.events:
			deliver(e)
		case <-j.closed:
			for {
				select {
				case e := <-j.events:
					deliver(e)
				default:
					return broken
				}
			}
		}
	}
}

// close ends the job; Build has returned.
func (j *job) close() { close(j.closed) }

// report queues an event. A cancelled build still reports: the host wants to
// see what it says on its way out.
func (j *job) report(e *backendv1.BuildEvent) {
	select {
	case <-j.closed:
		return
	default:
	}
	select {
	case j.events <- e:
	case <-j.closed:
	}
}

// StepStarted implements backend.Job.
func (j *job) StepStarted(ref *backendv1.StepRef, name string) {
	j.report(&backendv1.BuildEvent{Event: &backendv1.BuildEvent_StepStarted{
		StepStarted: &backendv1.StepStarted{Ref: ref, Name: name},
	}})
}

// StepFinished implements backend.Job.
func (j *job) StepFinished(ref *backendv1.StepRef, cached bool) {
	j.report(&backendv1.BuildEvent{Event: &backendv1.BuildEvent_StepFinished{
		StepFinished: &backendv1.StepFinished{Ref: ref, Cached: cached},
	}})
}

// Output implements backend.Job.
func (j *job) Output(ref *backendv1.StepRef, stderr bool, data []byte) {
	for len(data) > 0 {
		n := min(len(data), maxOutput)
		j.report(&backendv1.BuildEvent{Event: &backendv1.BuildEvent_Output{
			Output: &backendv1.Output{Ref: ref, Stderr: stderr, Data: bytes.Clone(data[:n])},
		}})
		data = data[n:]
	}
}

// Progress implements backend.Job.
func (j *job) Progress(ref *backendv1.StepRef, name string, current, total int64) {
	j.report(&backendv1.BuildEvent{Event: &backendv1.BuildEvent_Progress{
		Progress: &backendv1.Progress{Ref: ref, Name: name, Current: current, Total: total},
	}})
}

// Warn implements backend.Job.
func (j *job) Warn(ref *backendv1.StepRef, finding *backendv1.Finding) {
	j.report(&backendv1.BuildEvent{Event: &backendv1.BuildEvent_Warning{
		Warning: &backendv1.Warning{Ref: ref, Finding: finding},
	}})
}

// InputRead implements backend.Job.
func (j *job) InputRead(kind, name, digest string) {
	j.report(&backendv1.BuildEvent{Event: &backendv1.BuildEvent_InputRead{
		InputRead: &backendv1.InputRead{Kind: kind, Name: name, Digest: digest},
	}})
}

// Secret implements backend.Job.
func (j *job) Secret(ctx context.Context, id string) ([]byte, bool, error) {
	a, err := j.ask(ctx, &backendv1.Ask{Secret: id})
	if err != nil || a.GetAbsent() {
		return nil, false, err
	}
	return a.GetSecret(), true, nil
}

// SSH implements backend.Job.
func (j *job) SSH(ctx context.Context, id string) (string, bool, error) {
	a, err := j.ask(ctx, &backendv1.Ask{Ssh: id})
	if err != nil || a.GetAbsent() {
		return "", false, err
	}
	return a.GetSocket(), true, nil
}

var errEnded = errors.New("the build has ended")

func (j *job) ask(ctx context.Context, q *backendv1.Ask) (*backendv1.Answer, error) {
	answer := make(chan *backendv1.Answer, 1)
	j.mu.Lock()
	j.last++
	q.Id = j.last
	j.asked[q.Id] = answer
	j.mu.Unlock()
	defer j.forget(q.Id)

	j.report(&backendv1.BuildEvent{Event: &backendv1.BuildEvent_Ask{Ask: q}})
	select {
	case a := <-answer:
		return a, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-j.ctx.Done():
		return nil, j.ctx.Err()
	case <-j.closed:
		return nil, errEnded
	}
}

func (j *job) forget(id uint32) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.asked, id)
}

// answer delivers an answer. One that nobody waits for is dropped.
func (j *job) answer(a *backendv1.Answer) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if answer, ok := j.asked[a.GetId()]; ok {
		delete(j.asked, a.GetId())
		answer <- a
	}
}
