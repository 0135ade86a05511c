// SPDX-License-Identifier: Apache-2.0

package plugintest

import (
	"bytes"
	"context"
	"sync"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

// Job is a backend.Job that records what a build reports. The zero value is
// ready to use. It is safe for concurrent use.
type Job struct {
	// Secrets answers questions for secrets, by id.
	Secrets map[string][]byte
	// Agents answers questions for ssh-agents: socket paths by id.
	Agents map[string]string
	// OnEvent is called with each event, when not nil.
	OnEvent func(*backendv1.BuildEvent)

	mu     sync.Mutex
	events []*backendv1.BuildEvent
}

var _ backend.Job = (*Job)(nil)

// Events returns what was reported so far, in order.
func (j *Job) Events() []*backendv1.BuildEvent {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]*backendv1.BuildEvent(nil), j.events...)
}

func (j *Job) record(e *backendv1.BuildEvent) {
	j.mu.Lock()
	j.events = append(j.events, e)
	j.mu.Unlock()
	if j.OnEvent != nil {
		j.OnEvent(e)
	}
}

// StepStarted implements backend.Job.
func (j *Job) StepStarted(ref *backendv1.StepRef, name string) {
	j.record(&backendv1.BuildEvent{Event: &backendv1.BuildEvent_StepStarted{
		StepStarted: &backendv1.StepStarted{Ref: ref, Name: name}}})
}

// StepFinished implements backend.Job.
func (j *Job) StepFinished(ref *backendv1.StepRef, cached bool) {
	j.record(&backendv1.BuildEvent{Event: &backendv1.BuildEvent_StepFinished{
		StepFinished: &backendv1.StepFinished{Ref: ref, Cached: cached}}})
}

// Output implements backend.Job.
func (j *Job) Output(ref *backendv1.StepRef, stderr bool, data []byte) {
	j.record(&backendv1.BuildEvent{Event: &backendv1.BuildEvent_Output{
		Output: &backendv1.Output{Ref: ref, Stderr: stderr, Data: bytes.Clone(data)}}})
}

// Progress implements backend.Job.
func (j *Job) Progress(ref *backendv1.StepRef, name string, current, total int64) {
	j.record(&backendv1.BuildEvent{Event: &backendv1.BuildEvent_Progress{
		Progress: &backendv1.Progress{Ref: ref, Name: name, Current: current, Total: total}}})
}

// Warn implements backend.Job.
func (j *Job) Warn(ref *backendv1.StepRef, finding *backendv1.Finding) {
	j.record(&backendv1.BuildEvent{Event: &backendv1.BuildEvent_Warning{
		Warning: &backendv1.Warning{Ref: ref, Finding: finding}}})
}

// InputRead implements backend.Job.
func (j *Job) InputRead(kind, name, digest string) {
	j.record(&backendv1.BuildEvent{Event: &backendv1.BuildEvent_InputRead{
		InputRead: &backendv1.InputRead{Kind: kind, Name: name, Digest: digest}}})
}

// Secret implements backend.Job.
func (j *Job) Secret(ctx context.Context, id string) (value []byte, ok bool, err error) {
	value, ok = j.Secrets[id]
	return value, ok, ctx.Err()
}

// SSH implements backend.Job.
func (j *Job) SSH(ctx context.Context, id string) (socket string, ok bool, err error) {
	socket, ok = j.Agents[id]
	return socket, ok, ctx.Err()
}
