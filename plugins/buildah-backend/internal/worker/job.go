// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"sync"

	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/wire"
	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

// job is a backend.Job over the pipe to the server. An event that cannot be
// sent is dropped: the server is gone, and so is the worker in a moment.
type job struct {
	events *wire.Writer

	mu      sync.Mutex
	last    uint32
	waiting map[uint32]chan *backendv1.Answer
}

var _ backend.Job = (*job)(nil)

func newJob(events *wire.Writer) *job {
	return &job{events: events, waiting: map[uint32]chan *backendv1.Answer{}}
}

func (j *job) send(e *backendv1.BuildEvent) {
	j.events.Send(e) //nolint:errcheck // see job
}

// StepStarted implements backend.Job.
func (j *job) StepStarted(ref *backendv1.StepRef, name string) {
	j.send(&backendv1.BuildEvent{Event: &backendv1.BuildEvent_StepStarted{StepStarted: &backendv1.StepStarted{Ref: ref, Name: name}}})
}

// StepFinished implements backend.Job.
func (j *job) StepFinished(ref *backendv1.StepRef, cached bool) {
	j.send(&backendv1.BuildEvent{Event: &backendv1.BuildEvent_StepFinished{StepFinished: &backendv1.StepFinished{Ref: ref, Cached: cached}}})
}

// Output implements backend.Job.
func (j *job) Output(ref *backendv1.StepRef, stderr bool, data []byte) {
	j.send(&backendv1.BuildEvent{Event: &backendv1.BuildEvent_Output{Output: &backendv1.Output{Ref: ref, Stderr: stderr, Data: data}}})
}

// Progress implements backend.Job.
func (j *job) Progress(ref *backendv1.StepRef, name string, current, total int64) {
	j.send(&backendv1.BuildEvent{Event: &backendv1.BuildEvent_Progress{Progress: &backendv1.Progress{Ref: ref, Name: name, Current: current, Total: total}}})
}

// Warn implements backend.Job.
func (j *job) Warn(ref *backendv1.StepRef, finding *backendv1.Finding) {
	j.send(&backendv1.BuildEvent{Event: &backendv1.BuildEvent_Warning{Warning: &backendv1.Warning{Ref: ref, Finding: finding}}})
}

// InputRead implements backend.Job.
func (j *job) InputRead(kind, name, digest string) {
	j.send(&backendv1.BuildEvent{Event: &backendv1.BuildEvent_InputRead{InputRead: &backendv1.InputRead{Kind: kind, Name: name, Digest: digest}}})
}

// Secret implements backend.Job.
func (j *job) Secret(ctx context.Context, id string) ([]byte, bool, error) {
	a, err := j.ask(ctx, &backendv1.Ask{Secret: id})
	return a.GetSecret(), !a.GetAbsent(), err
}

// SSH implements backend.Job.
func (j *job) SSH(ctx context.Context, id string) (string, bool, error) {
	a, err := j.ask(ctx, &backendv1.Ask{Ssh: id})
	return a.GetSocket(), !a.GetAbsent(), err
}

func (j *job) ask(ctx context.Context, a *backendv1.Ask) (*backendv1.Answer, error) {
	reply := make(chan *backendv1.Answer, 1)
	j.mu.Lock()
	j.last++
	a.Id = j.last
	j.waiting[a.Id] = reply
	j.mu.Unlock()
	j.send(&backendv1.BuildEvent{Event: &backendv1.BuildEvent_Ask{Ask: a}})
	select {
	case answer := <-reply:
		return answer, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// answer hands an answer to whoever asked.
func (j *job) answer(a *backendv1.Answer) {
	j.mu.Lock()
	reply := j.waiting[a.Id]
	delete(j.waiting, a.Id)
	j.mu.Unlock()
	if reply != nil {
		reply <- a
	}
}
