// SPDX-License-Identifier: Apache-2.0

package life

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/zlayer/zlayer/conformance/internal/peer"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/backendv1/backendv1grpc"
)

// job is one build being run.
type job struct {
	id    string
	start *backendv1.Start
	on    *process
	began time.Time
	// answer makes the answers to a question.
	answer func(*backendv1.Ask) []*backendv1.Answer

	stream backendv1grpc.Backend_BuildClient
	drop   context.CancelFunc
	sends  sync.Mutex
	held   sync.Mutex    // while it is locked nothing is received
	holds  bool          // the script has it locked
	ended  chan struct{} // closed with the first artifact or failed, or without one
	closed chan struct{} // closed with the stream

	mu     sync.Mutex
	events []*backendv1.BuildEvent
	bytes  int64         // of output, also of what is not kept
	err    error         // how the stream ended; io.EOF when as it should
	took   time.Duration // until it had ended
	broken bool          // the script has broken the stream
	result *backendv1.BuildEvent
}

// kept is how much output of a build is kept.
const kept = 4 << 20

// run starts the stream and receives until it ends.
func (j *job) run(ctx context.Context, first *backendv1.BuildRequest) error {
	ctx, j.drop = context.WithCancel(ctx)
	var err error
	if j.stream, err = j.on.Client.Build(ctx); err != nil {
		j.drop()
		return err
	}
	// A broken stream is told by receiving.
	_ = j.send(first)
	go j.receive()
	return nil
}

func (j *job) send(m *backendv1.BuildRequest) error {
	j.sends.Lock()
	defer j.sends.Unlock()
	return j.stream.Send(m)
}

// receive keeps events and answers questions.
func (j *job) receive() {
	defer close(j.closed)
	for {
		e, err := j.stream.Recv()
		j.held.Lock()
		j.held.Unlock() //nolint:staticcheck // it only waits
		if err != nil {
			j.over(nil, err)
			return
		}
		j.note(e)
		switch ev := e.GetEvent().(type) {
		case *backendv1.BuildEvent_Artifact, *backendv1.BuildEvent_Failed:
			j.over(e, nil)
		case *backendv1.BuildEvent_Ask:
			for _, a := range j.answer(ev.Ask) {
				_ = j.send(&backendv1.BuildRequest{Message: &backendv1.BuildRequest_Answer{Answer: a}})
			}
		}
	}
}

// note keeps an event.
func (j *job) note(e *backendv1.BuildEvent) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if o := e.GetOutput(); o != nil {
		j.bytes += int64(len(o.GetData()))
		if j.bytes > kept {
			return
		}
	}
	j.events = append(j.events, e)
}

// over notes the end; the first one counts.
func (j *job) over(result *backendv1.BuildEvent, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err == nil {
		j.err = err
	}
	select {
	case <-j.ended:
	default:
		j.result, j.took = result, time.Since(j.began)
		close(j.ended)
	}
}

// all are the events so far.
func (j *job) all() []*backendv1.BuildEvent {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.events[:len(j.events):len(j.events)]
}

// end breaks the stream and waits until nothing is received any more.
func (j *job) end() {
	j.release()
	j.drop()
	<-j.closed
}

// hold keeps the host from receiving, until release.
func (j *job) hold() {
	if !j.holds {
		j.held.Lock()
		j.holds = true
	}
}

func (j *job) release() {
	if j.holds {
		j.holds = false
		j.held.Unlock()
	}
}

// classes are those of failures.
var classes = map[backendv1.FailureKind]string{
	backendv1.FailureKind_FAILURE_KIND_SOURCE: "source", backendv1.FailureKind_FAILURE_KIND_CANCELLED: "cancelled",
	backendv1.FailureKind_FAILURE_KIND_MACHINE: "machine", backendv1.FailureKind_FAILURE_KIND_INTERNAL: "internal",
}

// outcome says how the build ended: its class and, for a failure, its exit code
// and step; and what the backend says about it. The build must have ended.
func (j *job) outcome() (class, details, says string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	f := j.result.GetFailed()
	switch {
	case f != nil:
		if class = classes[f.GetKind()]; class == "" {
			class = fmt.Sprintf("kind-%d", f.GetKind())
		}
		details = fmt.Sprintf("exit %d", f.GetExitCode())
		if f.GetRef() != nil {
			details += fmt.Sprintf(" step %d.%d", f.GetRef().GetStage(), f.GetRef().GetStep())
		}
		return class, details, f.GetMessage()
	case j.result != nil:
		return classOK, "", "an artifact"
	case errors.Is(j.err, io.EOF):
		return "unended", "", "the stream ended without artifact or failed"
	case j.broken:
		return "broken", "", j.err.Error()
	case peer.Lost(j.err):
		return classDied, "", j.err.Error()
	default:
		return classRefused, "", j.err.Error()
	}
}

// output is the output of the build, as far as it is kept.
func (j *job) output() string {
	var text strings.Builder
	for _, e := range j.all() {
		text.Write(e.GetOutput().GetData())
	}
	return text.String()
}
