// SPDX-License-Identifier: Apache-2.0

package progress_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zlayer/zlayer/cmd/zlayer/internal/progress"
	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
)

// show returns what a mode writes for events.
func show(mode string, events ...host.Event) string {
	var b strings.Builder
	s := progress.New(&b, mode)
	for _, e := range events {
		s.Event(e)
	}
	s.Close()
	return b.String()
}

func started(stage string, step int, name string) host.Event {
	return host.Event{Type: host.EventStepStarted, Stage: stage, Step: step, Steps: 2, Name: name}
}

func finished(stage string, step int, cached bool) host.Event {
	return host.Event{Type: host.EventStepFinished, Stage: stage, Step: step, Steps: 2, Cached: cached, Seconds: 1.25}
}

func output(stage string, step int, text string) host.Event {
	return host.Event{Type: host.EventOutput, Stage: stage, Step: step, Steps: 2, Output: text}
}

func TestPlain(t *testing.T) {
	at := time.Unix(0, 0)
	warning := diag.Warning(&diagv1.Range{File: 1, Line: 3, Column: 2}, "odd", "this is odd")
	tests := []struct {
		name   string
		events []host.Event
		want   string
	}{
		{"silent and cached steps have one line", []host.Event{
			started("a", 1, "COPY x y"), finished("a", 1, true), started("a", 2, "RUN true"), finished("a", 2, false),
		}, "[a 1/2] COPY x y  CACHED\n[a 2/2] RUN true  1.2s\n"},
		{"a running step is on the screen", []host.Event{started("a", 1, "RUN sleep 9")}, "[a 1/2] RUN sleep 9\n"},
		{"output has whole lines, and the last state of a bar", []host.Event{
			started("a", 1, "RUN make"), output("a", 1, "one\ntw"), output("a", 1, "o\r\n10%\r50%\r99%\nend"), finished("a", 1, false),
		}, "[a 1/2] RUN make\n[a 1/2] | one\n[a 1/2] | two\n[a 1/2] | 99%\n[a 1/2] | end\n[a 1/2] done 1.2s\n"},
		{"steps at one time", []host.Event{
			started("a", 1, "RUN a"), started("b", 1, "RUN b"), finished("a", 1, false), finished("b", 1, false),
		}, "[a 1/2] RUN a\n[b 1/2] RUN b\n[a 1/2] done 1.2s\n[b 1/2] done 1.2s\n"},
		{"a failing step", []host.Event{
			started("a", 1, "RUN x"), {Type: host.EventStepFailed, Stage: "a", Step: 1, Steps: 2, Seconds: 0.5},
		}, "[a 1/2] RUN x\n[a 1/2] failed after 0.5s\n"},
		{"only the first line of a text", []host.Event{
			started("a", 1, "RUN <<EOF\nx\nEOF"), finished("a", 1, false),
		}, "[a 1/2] RUN <<EOF …  1.2s\n"},
		{"transfers once a second, and their end", []host.Event{
			{Type: host.EventPull, Name: "base", Current: 1e6, Total: 4e6, Time: at.Add(time.Hour)},
			{Type: host.EventPull, Name: "base", Current: 2e6, Total: 4e6, Time: at.Add(time.Hour + time.Millisecond)},
			{Type: host.EventPull, Name: "base", Current: 4e6, Total: 4e6, Time: at.Add(time.Hour + 2*time.Millisecond)},
		}, "base: 1.0 of 4.0 MB\nbase: 4.0 of 4.0 MB\n"},
		{"a finding", []host.Event{{Type: host.EventDiagnostic, File: "main.go", Diagnostic: warning}},
			"main.go:3:2: warning: this is odd [odd]\n"},
		{"several platforms", []host.Event{
			{Type: host.EventStepStarted, Platform: "linux/arm64", Stage: "a", Step: 1, Steps: 2, Name: "RUN a"},
			{Type: host.EventOutput, Platform: "linux/arm64", Stage: "a", Step: 1, Steps: 2, Output: "x\n"},
			{Type: host.EventStepFinished, Platform: "linux/arm64", Stage: "a", Step: 1, Steps: 2, Seconds: 1},
			{Type: host.EventBuilt, Platform: "linux/arm64", Backend: "b", Seconds: 1.5},
			{Type: host.EventBuilt, Platform: "linux/amd64", Backend: "c", Cached: true},
			{Type: host.EventResult, Seconds: 2},
		}, "[linux/arm64 a 1/2] RUN a\n[linux/arm64 a 1/2] | x\n[linux/arm64 a 1/2] done 1.0s\n[linux/arm64] built by b in 1.5s\n" +
			"[linux/amd64] nothing changed since it was built by c in 0.0s\nbuilt in 2.0s\n"},
		{"the result", []host.Event{{Type: host.EventResult, Backend: "b", Cached: true, Seconds: 0.1}},
			"nothing changed since it was built by b in 0.1s\n"},
	}
	for _, test := range tests {
		if d := cmp.Diff(test.want, show("plain", test.events...)); d != "" {
			t.Errorf("%s: %s", test.name, d)
		}
	}
}

// Each event is one line of JSON with a time.
func TestJSON(t *testing.T) {
	text := show("json", started("a", 1, "RUN a && b <c"), host.Event{Type: host.EventError, Message: "m", Help: "h"})
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) != 2 || !strings.Contains(text, "a && b <c") {
		t.Fatalf("got %q", text)
	}
	var e host.Event
	if err := json.Unmarshal([]byte(lines[1]), &e); err != nil {
		t.Fatal(err)
	}
	if e.Type != host.EventError || e.Message != "m" || e.Help != "h" || e.Time.IsZero() {
		t.Errorf("got %+v", e)
	}
}

func TestQuiet(t *testing.T) {
	if got := show("quiet", started("a", 1, "RUN x"), finished("a", 1, false)); got != "" {
		t.Errorf("got %q", got)
	}
}
