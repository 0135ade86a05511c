// SPDX-License-Identifier: Apache-2.0

// Package report writes what came of a conformance run: as text, JSON, JSON
// lines, JUnit XML or one HTML page. What plugins have said is shown so that it
// can steer neither a terminal nor a browser.
package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/zlayer/zlayer/conformance"
	"github.com/zlayer/zlayer/conformance/suite"
)

// Writer gets a run as it goes, and writes it in its format.
type Writer interface {
	// Result is called with each result, in order.
	Result(suite.Result)
	// End is called once, after the last result. It returns the first error of
	// all writing.
	End(*conformance.Report) error
}

// Options say how a report is written.
type Options struct {
	// Command are the words of the command that made the run, without --run.
	// The report of a failure has the command that runs that one case again.
	Command []string
	// Verbose has the text report name each case, also those that passed.
	Verbose bool
}

// Formats are the names of the formats.
func Formats() []string { return []string{"text", "json", "events", "junit", "html"} }

// New returns the writer of a format.
func New(format string, w io.Writer, o Options) (Writer, error) {
	switch format {
	case "text":
		return &text{out: out{w: w}, Options: o}, nil
	case "events":
		return &events{newEncoder(w), o}, nil
	case "json":
		return &whole{w, o, writeJSON}, nil
	case "junit":
		return &whole{w, o, writeJUnit}, nil
	case "html":
		return &whole{w, o, writeHTML}, nil
	}
	return nil, fmt.Errorf("%q is none of the formats %s", format, strings.Join(Formats(), ", "))
}

// whole writes all at the end.
type whole struct {
	w io.Writer
	Options
	write func(io.Writer, *conformance.Report, Options) error
}

func (*whole) Result(suite.Result) {}

func (f *whole) End(r *conformance.Report) error { return f.write(f.w, r, f.Options) }

// again is the command that runs one case.
func (o Options) again(name string) string {
	if len(o.Command) == 0 {
		return ""
	}
	return shell(append(o.Command[:len(o.Command):len(o.Command)], "--run", name))
}

// shell joins words to a command line.
func shell(words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = quote(word)
	}
	return strings.Join(quoted, " ")
}

// quote returns a word as a POSIX shell reads it.
func quote(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("@%+=:,./-_", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
