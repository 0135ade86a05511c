// SPDX-License-Identifier: Apache-2.0

package host

import (
	"sync"
	"time"

	"github.com/zlayer/zlayer/host/internal/images"
	"github.com/zlayer/zlayer/host/internal/starts"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// emitter passes events on, one at a time. A nil function drops them.
type emitter struct {
	mu      sync.Mutex
	fn      func(Event)
	started time.Time
}

func newEmitter(fn func(Event)) *emitter {
	return &emitter{fn: fn, started: time.Now()}
}

// of returns an emitter whose events are about a platform.
func (e *emitter) of(platform string) *emitter {
	return &emitter{started: e.started, fn: func(ev Event) {
		ev.Platform = platform
		e.event(ev)
	}}
}

// event stamps an event and passes it on.
func (e *emitter) event(ev Event) {
	if e.fn == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	ev.Time = time.Now()
	e.fn(ev)
}

// diagnostics passes findings on as events.
func (e *emitter) diagnostics(files []diag.File, ds []*diagv1.Diagnostic) {
	for _, d := range ds {
		ev := Event{Type: EventDiagnostic, Diagnostic: d}
		if i := int(d.GetRange().GetFile()); i < len(files) {
			ev.File = files[i].Name
		}
		e.event(ev)
	}
}

// pause passes on that a backend which crashes has to wait.
func (e *emitter) pause(backend string, p starts.Pause) {
	e.diagnostics(nil, []*diagv1.Diagnostic{diag.Warning(nil, "backend-crashes", "backend "+backend+": "+p.String())})
}

// plan passes on who builds how much.
func (e *emitter) plan(backend string, b *irv1.ResolvedBuild) {
	steps := 0
	for _, s := range b.GetContainer().GetStages() {
		steps += len(s.GetSteps())
	}
	e.event(Event{Type: EventPlan, Backend: backend, Steps: steps})
}

// transfer returns a function that passes on the progress of an image.
func (e *emitter) transfer(t EventType, reference string) images.Progress {
	return func(blob string, current, total int64) {
		e.event(Event{Type: t, Name: reference + " " + blob, Current: current, Total: total})
	}
}

// built passes on that one of several images is there.
func (e *emitter) built(r *Result, started time.Time) {
	e.event(Event{Type: EventBuilt, Digest: r.Digest, Backend: r.Backend, Cached: r.Cached, Seconds: time.Since(started).Seconds()})
}

// result passes on the last event.
func (e *emitter) result(r *Result) {
	e.event(Event{Type: EventResult, Digest: r.Digest, Tags: r.Tags, Outputs: r.Outputs, Backend: r.Backend, Cached: r.Cached, Seconds: time.Since(e.started).Seconds()})
}
