// SPDX-License-Identifier: Apache-2.0

// Package progress shows the events of a build: as lines for people, as JSON
// for programs, or not at all.
//
// The rules of the plain form: every line that belongs to a step begins with
// "[stage step/steps]", and with the platform before the stage where a build is
// for several. A step that says nothing has one line, which begins
// when the step does and ends with its time, or with "CACHED". Any other has
// one line when it starts, the lines it writes, marked "|", and one with its
// time. Nothing moves the cursor, so it reads well in a log.
package progress

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
)

// Shower shows events.
type Shower interface {
	// Event shows one event. It is called by one goroutine at a time.
	Event(host.Event)
	// Close ends a line that is not finished. There are no more events.
	Close()
}

// New returns the Shower of a mode: "json", "quiet" or, for anything else,
// "plain".
func New(w io.Writer, mode string) Shower {
	switch mode {
	case "json":
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		return jsonShower{enc}
	case "quiet":
		return quietShower{}
	}
	return &plainShower{w: w, partial: map[string]string{}, shown: map[string]time.Time{}}
}

type quietShower struct{}

func (quietShower) Event(host.Event) {}

func (quietShower) Close() {}

type jsonShower struct{ enc *json.Encoder }

// Event writes the event as one line. A reader that went away is no reason to
// stop a build.
func (s jsonShower) Event(e host.Event) {
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	_ = s.enc.Encode(e)
}

// Close does nothing: every event is a whole line.
func (jsonShower) Close() {}

type plainShower struct {
	w       io.Writer
	partial map[string]string    // by step: output that is not a whole line yet
	shown   map[string]time.Time // by transfer: when its bytes were last shown
	open    string               // the step whose line is not finished
}

// Event writes the lines of an event.
func (s *plainShower) Event(e host.Event) {
	step := stepName(e)
	if s.open != step || e.Type != host.EventStepFinished {
		s.Close()
	}
	switch e.Type {
	case host.EventStepStarted:
		fmt.Fprintf(s.w, "%s %s", step, Visible(brief(e.Name)))
		s.open = step
	case host.EventOutput:
		s.output(step, e.Output)
	case host.EventStepFinished:
		s.finished(step, e)
	case host.EventStepFailed:
		s.endOutput(step)
		fmt.Fprintf(s.w, "%s failed after %.1fs\n", step, e.Seconds)
	case host.EventPull, host.EventPush, host.EventLoad, host.EventProgress:
		s.transfer(e)
	case host.EventFetch:
		s.fetch(e)
	case host.EventDiagnostic:
		s.diagnostic(e)
	case host.EventBuilt:
		fmt.Fprintf(s.w, "[%s] %s\n", e.Platform, how(e))
	case host.EventResult:
		s.result(e)
	}
}

// diagnostic writes a finding without its source line.
func (s *plainShower) diagnostic(e host.Event) {
	files := make([]diag.File, e.Diagnostic.GetRange().GetFile()+1)
	files[len(files)-1].Name = e.File
	_ = diag.Print(s.w, files, []*diagv1.Diagnostic{e.Diagnostic})
}

// Close ends the line of a step that has more to say.
func (s *plainShower) Close() {
	if s.open != "" {
		fmt.Fprintln(s.w)
		s.open = ""
	}
}

// finished ends a step, on its first line when nothing came between.
func (s *plainShower) finished(step string, e host.Event) {
	how := fmt.Sprintf("%.1fs", e.Seconds)
	if e.Cached {
		how = "CACHED"
	}
	if s.open == step {
		fmt.Fprintf(s.w, "  %s\n", how)
		s.open = ""
		return
	}
	s.endOutput(step)
	fmt.Fprintf(s.w, "%s done %s\n", step, how)
}

// maxLine is how much of a line that does not end is kept, in bytes, before it
// is taken as one.
const maxLine = 64 << 10

// output writes the whole lines of a step's output and keeps the rest.
func (s *plainShower) output(step, text string) {
	var all strings.Builder // much output is many short lines
	lines := strings.SplitAfter(s.partial[step]+text, "\n")
	for _, line := range lines[:len(lines)-1] {
		writeLine(&all, step, strings.TrimSuffix(line, "\n"))
	}
	rest := lines[len(lines)-1]
	if len(rest) > maxLine {
		writeLine(&all, step, rest)
		rest = ""
	}
	s.partial[step] = strings.Clone(rest)
	_, _ = io.WriteString(s.w, all.String())
}

// writeLine writes one line of output. Of what a carriage return overwrites
// only the last state is kept.
func writeLine(w *strings.Builder, step, line string) {
	line = strings.TrimSuffix(line, "\r")
	if i := strings.LastIndexByte(line, '\r'); i >= 0 {
		line = line[i+1:]
	}
	fmt.Fprintf(w, "%s | %s\n", step, Visible(line))
}

// endOutput writes an unfinished last line.
func (s *plainShower) endOutput(step string) {
	if rest := s.partial[step]; rest != "" {
		s.output(step, "\n")
	}
	delete(s.partial, step)
}

// transfer shows bytes at most once a second for each transfer, and its end.
func (s *plainShower) transfer(e host.Event) {
	done := e.Total > 0 && e.Current >= e.Total
	if !done && e.Time.Sub(s.shown[e.Name]) < time.Second {
		return
	}
	s.shown[e.Name] = e.Time
	if e.Total > 0 {
		fmt.Fprintf(s.w, "%s: %.1f of %.1f MB\n", e.Name, float64(e.Current)/1e6, float64(e.Total)/1e6)
		return
	}
	fmt.Fprintf(s.w, "%s: %.1f MB\n", e.Name, float64(e.Current)/1e6)
}

// fetch shows the bytes of a build context, and what it was in the end.
func (s *plainShower) fetch(e host.Event) {
	if e.Digest == "" {
		s.transfer(e)
		return
	}
	fmt.Fprintf(s.w, "fetched %s, %s\n", Visible(e.Name), e.Digest)
}

func (s *plainShower) result(e host.Event) {
	fmt.Fprintln(s.w, how(e))
	for _, tag := range e.Tags {
		fmt.Fprintf(s.w, "tagged %s\n", tag)
	}
	for _, path := range e.Outputs {
		fmt.Fprintf(s.w, "wrote %s\n", path)
	}
}

// how says how a result came about.
func how(e host.Event) string {
	text := "built"
	if e.Cached {
		text = "nothing changed since it was built"
	}
	if e.Backend != "" {
		text += " by " + e.Backend
	}
	return fmt.Sprintf("%s in %.1fs", text, e.Seconds)
}

// stepName returns "[stage step/steps]" or "[platform stage step/steps]".
func stepName(e host.Event) string {
	place := e.Stage
	if e.Platform != "" {
		place = e.Platform + " " + e.Stage
	}
	if e.Steps == 0 {
		return fmt.Sprintf("[%s %d]", place, e.Step)
	}
	return fmt.Sprintf("[%s %d/%d]", place, e.Step, e.Steps)
}

// briefWidth is the most runes of a step's text that are shown.
const briefWidth = 120

// brief returns the first line of a step's text, shortened.
func brief(text string) string {
	line, rest, more := strings.Cut(text, "\n")
	runes := []rune(line)
	if len(runes) > briefWidth {
		return string(runes[:briefWidth]) + " …"
	}
	if more && rest != "" {
		return line + " …"
	}
	return line
}
