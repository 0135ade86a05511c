// SPDX-License-Identifier: Apache-2.0

package report_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/conformance"
	"github.com/zlayer/zlayer/conformance/report"
	"github.com/zlayer/zlayer/conformance/suite"
)

var update = flag.Bool("update", false, "write the reports in testdata anew")

// write returns a report in a format.
func write(t testing.TB, format string, r *conformance.Report, o report.Options) string {
	t.Helper()
	var out strings.Builder
	w, err := report.New(format, &out, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, result := range r.Results {
		w.Result(result)
	}
	if err := w.End(r); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// The reports in testdata are what is written; each can be looked at.
func TestGoldens(t *testing.T) {
	extensions := map[string]string{"text": ".txt", "json": ".json", "events": ".jsonl", "junit": ".xml", "html": ".html"}
	for name, r := range map[string]*conformance.Report{"conforming": conforming(), "broken": broken(), "partly": partly(), "empty": empty()} {
		for _, format := range report.Formats() {
			t.Run(name+extensions[format], func(t *testing.T) {
				golden(t, name+extensions[format], write(t, format, r, report.Options{Command: command}))
			})
		}
	}
	golden(t, "broken-verbose.txt", write(t, "text", broken(), report.Options{Verbose: true}))
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is not as it was; after a look: go test ./conformance/report -update\n%s", path, got)
	}
}

// What is said of many cases is said of the first ones, and of all on request.
func TestLikewise(t *testing.T) {
	r := conforming()
	for i := range 200 {
		r.Results = append(r.Results, suite.Result{Name: fmt.Sprintf("life/%03d", i), Status: suite.Blocked, Why: "blocked by contract/digests"})
	}
	r.Results = append(r.Results, suite.Result{Name: "wasm/x", Status: suite.CannotRun, Why: "no go"})
	const want = `blocked        life/002: blocked by contract/digests
               and 197 more likewise
cannot run     wasm/x: no go

section`
	if got := write(t, "text", r, report.Options{}); !strings.Contains(got, want) || strings.Contains(got, "life/003") {
		t.Errorf("got\n%s", got)
	}
	if got := write(t, "text", r, report.Options{Verbose: true}); strings.Contains(got, "likewise") || !strings.Contains(got, "life/199") {
		t.Errorf("got\n%s", got)
	}
}

func TestUnknownFormat(t *testing.T) {
	if _, err := report.New("yaml", nil, report.Options{}); err == nil || err.Error() != `"yaml" is none of the formats text, json, events, junit, html` {
		t.Errorf("got %v", err)
	}
}

// An error of writing is not lost, whenever it comes.
func TestWriteErrors(t *testing.T) {
	for _, format := range report.Formats() {
		whole := len(write(t, format, broken(), report.Options{}))
		for room := 0; room < whole; room += max(1, whole/50) {
			w, err := report.New(format, &full{room}, report.Options{})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range broken().Results {
				w.Result(r)
			}
			if err := w.End(broken()); !errors.Is(err, errFull) {
				t.Errorf("%s, after %d bytes: %v", format, room, err)
			}
		}
	}
}

var errFull = errors.New("the disk is full")

// full is a disk with some room.
type full struct{ room int }

func (f *full) Write(p []byte) (int, error) {
	if len(p) > f.room {
		return f.room, errFull
	}
	f.room -= len(p)
	return len(p), nil
}

// Events are one object a line, as sdk/plugintest reads them.
func TestEvents(t *testing.T) {
	type event struct {
		Type     string
		Name     string
		Status   suite.Status
		Command  string
		Conforms *bool
		Counts   map[suite.Status]int
		Results  *json.RawMessage
	}
	lines := strings.Split(strings.TrimSuffix(write(t, "events", broken(), report.Options{Command: command}), "\n"), "\n")
	var names []string
	for i, line := range lines {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("line %d: %v", i, err)
		}
		if last := i == len(lines)-1; last != (e.Type == "end") || last != (e.Conforms != nil) || e.Results != nil {
			t.Errorf("line %d is %s", i, line)
		}
		if e.Type == "case" {
			names = append(names, e.Name)
		} else if e.Counts[suite.Failed] != 3 {
			t.Errorf("the last line counts %v", e.Counts)
		}
	}
	if len(names) != len(broken().Results) || names[5] != "frontend/heredoc" {
		t.Errorf("got %v", names)
	}
}

// A document can be read back as the report that it is of.
func TestJSONIsTheReport(t *testing.T) {
	r := broken()
	r.Results = slices.DeleteFunc(r.Results, func(r suite.Result) bool { return r.Name == "hostile/output" }) // not UTF-8
	var got conformance.Report
	if err := json.Unmarshal([]byte(write(t, "json", r, report.Options{})), &got); err != nil {
		t.Fatal(err)
	}
	a, _ := json.Marshal(got)
	b, _ := json.Marshal(r)
	if string(a) != string(b) {
		t.Errorf("got\n%s\nwant\n%s", a, b)
	}
}

// The command of a failure is what a shell takes for the words that were given.
func TestCommandIsQuoted(t *testing.T) {
	words := []string{"zlayer", "", "it's", "$HOME `x`", "a\nb", "--engine=x {module}", "ü", "~", "plain-1.0/x_y@z:%+,"}
	out := write(t, "json", broken(), report.Options{Command: words})
	var got struct {
		Results []struct{ Name, Command string }
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	const want = `zlayer '' 'it'\''s' '$HOME ` + "`x`" + `' 'a` + "\n" + `b' '--engine=x {module}' 'ü' '~' plain-1.0/x_y@z:%+, --run frontend/heredoc`
	if got.Results[5].Command != want {
		t.Errorf("got  %s\nwant %s", got.Results[5].Command, want)
	}
	if got.Results[0].Command != "" {
		t.Error("a case that passed needs no command")
	}
	if len(words) != 9 {
		t.Error("the caller's words were changed")
	}
}

// Much output does not bury the report, and the JSON has all of it.
func TestMuchOutput(t *testing.T) {
	r := conforming()
	long := strings.Repeat("line ü\n", 1<<18)
	r.Results[0] = suite.Result{Name: "contract/long", Status: suite.Failed, Problems: []suite.Problem{
		{Class: "ok", Message: "too much", Got: long}, {Class: "ok", Message: "too long", Got: strings.ReplaceAll(long, "\n", "")},
	}}
	for format, most := range map[string]int{"text": 12 << 10, "junit": 256 << 10, "html": 256 << 10} {
		out := write(t, format, r, report.Options{})
		if len(out) > most || strings.Count(out, "bytes more; the report as json has them") != 2 {
			t.Errorf("%s has %d bytes, want at most %d", format, len(out), most)
		}
		if strings.Contains(out, `\xc3`) {
			t.Errorf("%s cuts a character in two", format)
		}
	}
	if out := write(t, "json", r, report.Options{}); len(out) < 2*len(long) {
		t.Error("the JSON report does not have all")
	}
}
