// SPDX-License-Identifier: Apache-2.0

package plugintest

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Conformance runs zlayer's conformance suite on the plugin in a folder, which
// is built and sealed, and makes each case a subtest:
//
//	func TestConformance(t *testing.T) {
//		plugintest.Conformance(t, "dist/mine", "--vectors", "vectors")
//	}
//
// flags are further ones of "zlayer conformance". The zlayer is the one that
// the variable ZLAYER names, else that on PATH. "go test -run" chooses cases by
// their names: "go test -run 'TestConformance/life/cancel'".
func Conformance(t *testing.T, dir string, flags ...string) {
	t.Helper()
	zlayer, err := findZlayer()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "zlayer-plugin.json")); err != nil {
		t.Fatalf("%s holds no plugin: build it and run zlayer plugin seal %[1]s first: %v", dir, err)
	}
	args := append([]string{"conformance", dir, "--format", "events"}, flags...)
	if pattern := casePattern(runFlag(), t.Name()); pattern != "" {
		args = append(args, "--run", pattern)
	}
	s := &conformance{zlayer: zlayer}
	s.run(t, exec.CommandContext(t.Context(), zlayer, args...))
}

// findZlayer returns the path of the command.
func findZlayer() (string, error) {
	if path := os.Getenv("ZLAYER"); path != "" {
		return path, nil
	}
	path, err := exec.LookPath("zlayer")
	if err != nil {
		return "", errors.New("zlayer is not on PATH: put it there, or set ZLAYER to its path")
	}
	return path, nil
}

// conformance is one run of the suite.
type conformance struct {
	zlayer string
	cases  int
}

// outcome is what came of one case: a line that the command writes. Lines of
// other types, and what else is in them, are of no interest here.
type outcome struct {
	Type     string    `json:"type"`
	Name     string    `json:"name"`
	Status   string    `json:"status"`
	Why      string    `json:"why"`
	Input    string    `json:"input"`
	Command  string    `json:"command"` // runs this case alone
	Problems []problem `json:"problems"`
}

// problem is one thing that is wrong.
type problem struct{ Class, Message, Input, Want, Got string }

// run runs the command and reports each case when it has ended.
func (s *conformance) run(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	var stderr strings.Builder
	cmd.Stderr = &stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatalf("running %s: %v", s.zlayer, err)
	}
	read := s.read(t, out)
	err = cmd.Wait()
	switch {
	case read != nil:
		t.Errorf("reading what %s conformance writes: %v\n%s", s.zlayer, read, &stderr)
	case err != nil && !t.Failed():
		t.Errorf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, &stderr)
	case s.cases == 0:
		t.Errorf("no case was run\n%s", &stderr)
	}
}

// read reads the lines of the command to their end.
func (s *conformance) read(t *testing.T, out io.Reader) error {
	var wrong error
	for in := bufio.NewReader(out); ; {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return wrong
		}
		var o outcome
		if err := json.Unmarshal(line, &o); err != nil {
			wrong = fmt.Errorf("%.200q: %w", line, err)
		}
		if o.Type == "case" {
			s.cases++
			t.Run(o.Name, func(t *testing.T) { s.report(t, &o) })
		}
	}
}

// report makes an outcome that of a test.
func (s *conformance) report(t *testing.T, o *outcome) {
	if len(o.Problems) > 0 && o.Input != "" {
		t.Logf("input:%s", indented(o.Input))
	}
	for _, p := range o.Problems {
		t.Log(p.text())
	}
	switch o.Status {
	case "passed":
	case "failed":
		t.Errorf("it failed %s; alone: %s", o.Why, o.Command)
	case "warned", "undeclared":
		t.Logf("%s: %s", o.Status, o.Why)
	default: // blocked, not-declared, cannot-run, known-failing
		t.Skipf("%s: %s", o.Status, o.Why)
	}
}

// text is a problem for people.
func (p *problem) text() string {
	text := p.Message
	if p.Class != "" {
		text = p.Class + ": " + text
	}
	for _, part := range []struct{ name, text string }{{"input", p.Input}, {"want", p.Want}, {"got", p.Got}} {
		if part.text != "" {
			text += "\n" + part.name + ":" + indented(part.text)
		}
	}
	return text
}

// indented is text on lines of its own.
func indented(text string) string {
	return "\n  " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  ")
}

// runFlag is the value of go test's -run.
func runFlag() string {
	if f := flag.Lookup("test.run"); f != nil {
		return f.Value.String()
	}
	return ""
}

// casePattern turns what -run says of the subtests of a test into a pattern of
// cases, "" when that cannot be said: then all cases are run, and go test drops
// those that were not meant.
func casePattern(run, test string) string {
	depth := strings.Count(test, "/") + 1
	parts := strings.Split(run, "/")
	if len(parts) <= depth || len(parts) > depth+2 || strings.Contains(run, "|") {
		return ""
	}
	section, name := glob(parts[depth]), "*"
	if len(parts) == depth+2 {
		name = glob(parts[depth+1])
	}
	if section == "" || name == "" {
		return ""
	}
	return section + "/" + name
}

// glob is a regular expression as a pattern of path.Match, "" when it is none.
func glob(expr string) string {
	rest, begins := strings.CutPrefix(expr, "^")
	rest, ends := strings.CutSuffix(rest, "$")
	parts := strings.Split(rest, ".*")
	for _, part := range parts {
		if strings.Trim(part, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return ""
		}
	}
	if !begins && parts[0] != "" {
		parts = append([]string{""}, parts...)
	}
	if !ends && parts[len(parts)-1] != "" {
		parts = append(parts, "")
	}
	return strings.Join(parts, "*")
}
