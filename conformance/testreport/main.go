// SPDX-License-Identifier: Apache-2.0

// Testreport reads "go test -json" on stdin and prints what a person wants to
// know: a line for each package, the output of what failed, which tests took
// longest, and how many were skipped and why. It ends with 1 when something failed or, with CI=true,
// when something was skipped.
package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

// event is one line of test2json (go doc test2json).
type event struct {
	Action, Package, ImportPath, Test, Output string
	Elapsed                                   float64
}

// report counts results and keeps the output of tests until they end.
type report struct {
	out                     io.Writer
	output                  map[string]*strings.Builder
	passed, failed, skipped int
	reasons                 map[string]int
	slow                    []event
}

// Of the tests that took so many seconds, so many are named.
const (
	slow  = 20
	named = 20
)

func main() {
	r := &report{out: os.Stdout, output: map[string]*strings.Builder{}, reasons: map[string]int{}}
	if err := r.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "testreport:", err)
		os.Exit(1)
	}
	if !r.summary(os.Getenv("CI") == "true") {
		os.Exit(1)
	}
}

// read handles all lines. One that is not JSON is shown as it is: the go
// command's own words.
func (r *report) read(in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		var e event
		switch {
		case line == "":
		case json.Unmarshal([]byte(line), &e) != nil:
			fmt.Fprint(r.out, line)
		default:
			r.event(e)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *report) event(e event) {
	key := e.Package + e.ImportPath + " " + e.Test
	switch e.Action {
	case "output", "build-output":
		if r.output[key] == nil {
			r.output[key] = &strings.Builder{}
		}
		r.output[key].WriteString(e.Output)
	case "fail", "build-fail":
		r.failed++
		fmt.Fprintf(r.out, "FAIL %s\n%s", key, r.take(key))
	case "skip":
		r.skip(e, r.take(key))
	case "pass":
		r.pass(e)
		r.take(key)
	}
}

// pass counts a test, or says that a package is done.
func (r *report) pass(e event) {
	if e.Test != "" {
		r.passed++
		if e.Elapsed >= slow && !strings.Contains(e.Test, "/") {
			r.slow = append(r.slow, e)
		}
		return
	}
	fmt.Fprintf(r.out, "ok   %s %.1fs\n", e.Package, e.Elapsed)
}

// skip counts a skipped test with its reason. A package without tests is
// skipped too, and does not count.
func (r *report) skip(e event, output string) {
	if e.Test == "" {
		return
	}
	r.skipped++
	for line := range strings.Lines(output) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "===") && !strings.HasPrefix(line, "---") {
			r.reasons[e.Package+" "+e.Test+": "+line]++
		}
	}
}

// take returns the output of a test that has ended, and forgets it.
func (r *report) take(key string) string {
	b := r.output[key]
	delete(r.output, key)
	if b == nil {
		return ""
	}
	return b.String()
}

// summary prints the counts and says whether all is well.
func (r *report) summary(ci bool) bool {
	slices.SortStableFunc(r.slow, func(a, b event) int { return cmp.Compare(b.Elapsed, a.Elapsed) })
	for _, e := range r.slow[:min(len(r.slow), named)] {
		fmt.Fprintf(r.out, "slow: %.0fs %s %s\n", e.Elapsed, e.Package, e.Test)
	}
	for _, reason := range slices.Sorted(maps.Keys(r.reasons)) {
		fmt.Fprintln(r.out, "skipped:", reason)
	}
	fmt.Fprintf(r.out, "%d passed, %d failed, %d skipped\n", r.passed, r.failed, r.skipped)
	return r.failed == 0 && r.passed > 0 && (!ci || r.skipped == 0)
}
