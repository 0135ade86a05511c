// SPDX-License-Identifier: Apache-2.0

package host

import (
	"bytes"
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/zlayer/zlayer/host/internal/keys"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// tailSize is how much of each step's output is kept for a failure report.
const tailSize = 16 << 10

// job turns what a backend reports about one build into events, and keeps what
// the host needs afterwards. Its methods are called one at a time.
type job struct {
	build *irv1.ResolvedBuild
	files []diag.File
	dir   string // the main context, to quote project files from
	emit  *emitter
	steps map[stepID]*step
	reads []keys.Read
}

// stepID names a step in a map.
type stepID struct{ stage, step uint32 }

// step is what is known of a running step.
type step struct {
	name    string
	started time.Time
	tail    []byte
}

func newJob(res *Resolved, dir string, emit *emitter) *job {
	return &job{build: res.Build, files: res.Checked.Files, dir: dir, emit: emit, steps: map[stepID]*step{}}
}

// event handles one event of the backend. Those that end a build are not
// passed here.
func (j *job) event(e *backendv1.BuildEvent) {
	switch ev := e.GetEvent().(type) {
	case *backendv1.BuildEvent_StepStarted:
		j.started(ev.StepStarted)
	case *backendv1.BuildEvent_Output:
		j.output(ev.Output)
	case *backendv1.BuildEvent_StepFinished:
		j.finished(ev.StepFinished)
	case *backendv1.BuildEvent_Progress:
		p := ev.Progress
		out := j.at(EventProgress, p.GetRef())
		out.Name, out.Current, out.Total = p.GetName(), p.GetCurrent(), p.GetTotal()
		j.emit.event(out)
	case *backendv1.BuildEvent_Warning:
		out := j.at(EventDiagnostic, ev.Warning.GetRef())
		out.File, out.Diagnostic = j.fileName(ev.Warning.GetFinding()), ev.Warning.GetFinding().GetDiagnostic()
		j.emit.event(out)
	case *backendv1.BuildEvent_InputRead:
		r := ev.InputRead
		j.reads = append(j.reads, keys.Read{Kind: r.GetKind(), Name: r.GetName(), Digest: r.GetDigest()})
	}
}

func (j *job) started(e *backendv1.StepStarted) {
	s := j.step(e.GetRef())
	s.name, s.started = j.text(e.GetRef(), e.GetName()), time.Now()
	out := j.at(EventStepStarted, e.GetRef())
	out.Name = s.name
	j.emit.event(out)
}

func (j *job) output(e *backendv1.Output) {
	s := j.step(e.GetRef())
	s.tail = append(s.tail, e.GetData()...)
	if len(s.tail) > 2*tailSize {
		s.tail = append([]byte(nil), s.tail[len(s.tail)-tailSize:]...)
	}
	out := j.at(EventOutput, e.GetRef())
	out.Stderr, out.Output = e.GetStderr(), strings.ToValidUTF8(string(e.GetData()), "\uFFFD")
	j.emit.event(out)
}

func (j *job) finished(e *backendv1.StepFinished) {
	s := j.step(e.GetRef())
	out := j.at(EventStepFinished, e.GetRef())
	out.Cached = e.GetCached()
	if !s.started.IsZero() {
		out.Seconds = time.Since(s.started).Seconds()
	}
	j.emit.event(out)
	delete(j.steps, id(e.GetRef()))
}

// failure turns the end of a failed build into an error.
func (j *job) failure(f *backendv1.Failed, backend, stderr string) error {
	if f.GetKind() == backendv1.FailureKind_FAILURE_KIND_CANCELLED {
		return context.Canceled
	}
	if f.GetKind() == backendv1.FailureKind_FAILURE_KIND_INTERNAL {
		return &PluginError{ID: backend, Message: f.GetMessage(), Help: f.GetHelp(), Stderr: stderr}
	}
	e := &StepError{Message: f.GetMessage(), Help: f.GetHelp(), ExitCode: int(f.GetExitCode()), Machine: f.GetKind() == backendv1.FailureKind_FAILURE_KIND_MACHINE}
	if f.GetRef() != nil {
		j.locate(e, f)
	}
	j.findings(e, f.GetFindings())
	return e
}

// locate fills in the step that failed, and shows its place in the source.
func (j *job) locate(e *StepError, f *backendv1.Failed) {
	s := j.step(f.GetRef())
	out := j.at(EventStepFailed, f.GetRef())
	out.Name, out.ExitCode = s.name, e.ExitCode
	if !s.started.IsZero() {
		out.Seconds = time.Since(s.started).Seconds()
	}
	j.emit.event(out)
	e.Stage, e.Step, e.Text, e.Output = out.Stage, out.Step, s.name, string(bytes.ToValidUTF8(s.tail, []byte("\uFFFD")))
	if at := j.source(f.GetRef()).GetRange(); at.GetLine() != 0 && len(f.GetFindings()) == 0 {
		d := diag.Error(at, "step-failed", f.GetMessage())
		d.Help = f.GetHelp()
		e.Files, e.Findings = j.files, []*diagv1.Diagnostic{d}
	}
}

// findings adds what the backend found in files of the project.
func (j *job) findings(e *StepError, list []*backendv1.Finding) {
	for _, f := range list {
		d := f.GetDiagnostic().CloneVT()
		if d.Range == nil {
			d.Range = &diagv1.Range{}
		}
		d.Range.File = uint32(len(e.Files))
		e.Files = append(e.Files, j.projectFile(j.fileName(f)))
		e.Findings = append(e.Findings, d)
	}
}

// fileName returns the file of a finding; the build file when it names none.
func (j *job) fileName(f *backendv1.Finding) string {
	if f.GetFile() == "" && len(j.files) > 0 {
		return j.files[0].Name
	}
	return f.GetFile()
}

// projectFile reads a file of the main context to quote from.
func (j *job) projectFile(name string) diag.File {
	for _, f := range j.files {
		if f.Name == name {
			return f
		}
	}
	return diag.File{Name: name, Content: readContained(j.dir, name)}
}

// step returns the state of a step.
func (j *job) step(ref *backendv1.StepRef) *step {
	s := j.steps[id(ref)]
	if s == nil {
		s = &step{name: j.text(ref, "")}
		j.steps[id(ref)] = s
	}
	return s
}

// at returns an event of a step.
func (j *job) at(t EventType, ref *backendv1.StepRef) Event {
	e := Event{Type: t, Stage: "wasm", Step: int(ref.GetStep()) + 1}
	if stages := j.build.GetContainer().GetStages(); int(ref.GetStage()) < len(stages) {
		stage := stages[ref.GetStage()]
		e.Stage, e.Steps = stage.GetName(), len(stage.GetSteps())
	}
	if e.Stage == "" {
		e.Stage = strconv.Itoa(int(ref.GetStage()))
	}
	return e
}

// source returns the step in the build, or nil.
func (j *job) source(ref *backendv1.StepRef) *irv1.ResolvedStep {
	stages := j.build.GetContainer().GetStages()
	if int(ref.GetStage()) >= len(stages) || int(ref.GetStep()) >= len(stages[ref.GetStage()].GetSteps()) {
		return nil
	}
	return stages[ref.GetStage()].GetSteps()[ref.GetStep()]
}

// text returns the text of a step, else the name the backend gave it.
func (j *job) text(ref *backendv1.StepRef, name string) string {
	if text := j.source(ref).GetText(); text != "" {
		return text
	}
	return name
}

func id(ref *backendv1.StepRef) stepID { return stepID{ref.GetStage(), ref.GetStep()} }
