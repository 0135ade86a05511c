// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/toolchain/place"
)

// maxProblems is how many problems a report keeps. The go tool stops at ten a
// package by itself.
const maxProblems = 200

// The codes of findings.
const (
	codeCompile = "go-compile" // the compiler or linker said it
	codeLoad    = "go-load"    // a package could not be found or read
	codeModule  = "go-module"  // go.mod, go.sum or a module proxy
)

// problem is one thing the go tool complained about.
type problem struct {
	code         string
	file         string // as written; empty when it names none
	line, column int    // from 1, columns in bytes; 0 when not known
	message      string
	more         []string // the indented lines below
}

// report collects the problems in what the go tool writes for people, line by
// line: "# package" headers, "file:line:column: message", "go: message", and
// indented lines that belong to the one above.
type report struct {
	problems []problem
	compiles bool   // a "# package" header was the last header
	last     string // the last line, for a tool that says nothing we know
}

// position is what stands in front of a message.
var position = regexp.MustCompile(`^((?:[A-Za-z]:[\\/])?[^:\s][^:]*):(\d+)(?::(\d+))?: (.*)$`)

// progress are the lines that are no complaint.
var progress = []string{"go: downloading ", "go: extracting ", "go: finding ", "too many errors", "go: warning: "}

// also returns a function that adds each line and passes it on.
func (r *report) also(next func(line []byte)) func(line []byte) {
	return func(line []byte) {
		r.add(line)
		next(line)
	}
}

// add reads one line.
func (r *report) add(line []byte) {
	text := strings.TrimRight(string(line), "\r\n")
	if trimmed := strings.TrimSpace(text); trimmed == "" || hasAnyPrefix(trimmed, progress) {
		return
	}
	r.last = text
	switch n := len(r.problems); {
	case strings.HasPrefix(text, "# "):
		r.compiles = true
	case strings.TrimLeft(text, " \t") != text:
		if n > 0 {
			r.problems[n-1].more = append(r.problems[n-1].more, strings.TrimSpace(text))
		}
	case n < maxProblems:
		r.problems = append(r.problems, r.problem(text))
	}
}

// problem reads a line that starts one.
func (r *report) problem(text string) problem {
	p := problem{code: codeLoad, message: text}
	if r.compiles {
		p.code = codeCompile
	}
	if message, ok := strings.CutPrefix(text, "go: "); ok {
		p.code, p.message = codeModule, message
		return p
	}
	if m := position.FindStringSubmatch(text); m != nil {
		p.file, p.message = m[1], m[4]
		p.line, _ = strconv.Atoi(m[2])
		p.column, _ = strconv.Atoi(m[3])
	}
	switch filepath.Base(p.file) {
	case "go.mod", "go.sum", "go.work":
		p.code = codeModule
	}
	return p
}

// advice turns the indented lines into help where the go tool meant them so
// ("…; to add it:"), and into a part of the message where it did not.
func (p problem) advice() (message, help string) {
	lines := p.more
	if i := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "To ") }); i >= 0 {
		lines = lines[:i] // "To ignore the vendor directory, …": causes knows better
	}
	if len(lines) == 0 {
		return p.message, ""
	}
	more := strings.Join(lines, ", ")
	if i := strings.LastIndex(p.message, "; "); i >= 0 && strings.HasSuffix(p.message, ":") {
		return p.message[:i], p.message[i+2:] + " " + more
	}
	return strings.TrimSuffix(p.message, ":") + ": " + more, ""
}

// isHeader says whether the next problem says it all: "errors parsing go.mod:".
func (p problem) isHeader() bool {
	return p.file == "" && len(p.more) == 0 && strings.HasSuffix(p.message, ":")
}

// failure is the report as the error of a step.
func (r *report) failure(project string) *backend.Failure {
	f := backend.Sourcef(nil, "%s", r.last)
	if r.last == "" {
		f.Message = "it failed without saying why"
	}
	src := &place.Project{Dir: project}
	for _, p := range r.problems {
		if !p.isHeader() {
			f.Findings = append(f.Findings, p.finding(src))
		}
		if k := knownCause(p); k != nil && f.Help == "" {
			f.Kind, f.Help = k.kind, k.help
		}
	}
	place.Sort(f.Findings) // packages are compiled side by side
	summarize(f)
	return f
}

// summarize puts the one finding, or the number of them, into the message. A
// single finding without a place is then said already.
func summarize(f *backend.Failure) {
	switch n := len(f.Findings); n {
	case 0:
	case 1:
		d := f.Findings[0].GetDiagnostic()
		f.Message = d.GetMessage()
		if d.GetRange() == nil {
			f.Findings, f.Help = nil, cmp.Or(d.GetHelp(), f.Help)
		}
	default:
		f.Message = fmt.Sprintf("%d errors", n)
	}
}

// cause is something that the user can do about a failure.
type cause struct {
	says string
	kind backendv1.FailureKind
	help string
}

// causes are looked for in the messages of the go tool, the first match wins.
var causes = []cause{
	{"requires go >=", backendv1.FailureKind_FAILURE_KIND_MACHINE,
		"install that Go, or set GOTOOLCHAIN=auto to let the go tool fetch it"},
	{"download go1", backendv1.FailureKind_FAILURE_KIND_MACHINE,
		"install that Go on this machine, or lower the go line of go.mod"},
	{"no space left on device", backendv1.FailureKind_FAILURE_KIND_MACHINE,
		"free some disk space"},
	{"dial tcp", backendv1.FailureKind_FAILURE_KIND_MACHINE, helpNetwork},
	{"no such host", backendv1.FailureKind_FAILURE_KIND_MACHINE, helpNetwork},
	{"i/o timeout", backendv1.FailureKind_FAILURE_KIND_MACHINE, helpNetwork},
	{"certificate", backendv1.FailureKind_FAILURE_KIND_MACHINE, helpNetwork},
	{"module lookup disabled by GOPROXY=off", backendv1.FailureKind_FAILURE_KIND_MACHINE, helpNetwork},
	{"missing go.sum entry", backendv1.FailureKind_FAILURE_KIND_SOURCE, helpTidy},
	{"updates to go.mod needed", backendv1.FailureKind_FAILURE_KIND_SOURCE, helpTidy},
	{"no required module provides package", backendv1.FailureKind_FAILURE_KIND_SOURCE, helpTidy},
	{"inconsistent vendoring", backendv1.FailureKind_FAILURE_KIND_SOURCE, "run 'go mod vendor' in the project"},
	{"build constraints exclude all Go files", backendv1.FailureKind_FAILURE_KIND_SOURCE,
		"the package has no files for GOOS=wasip1 GOARCH=wasm without cgo; add some, or do not import it there"},
}

const (
	helpNetwork = "check the network, GOPROXY and the proxy variables"
	helpTidy    = "run 'go mod tidy' in the project; a build never changes it"
)

// knownCause returns what to do about a problem, or nil. What the compiler
// says quotes the user's source, so it is not searched.
func knownCause(p problem) *cause {
	if p.code == codeCompile {
		return nil
	}
	text := p.message + " " + strings.Join(p.more, " ")
	for i := range causes {
		if strings.Contains(text, causes[i].says) {
			return &causes[i]
		}
	}
	return nil
}

func hasAnyPrefix(s string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}
