// SPDX-License-Identifier: Apache-2.0

package main

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/toolchain"
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
	code    string
	at      place.Position // without a file when it names none
	message string
	more    []string // the indented lines below
}

// report collects the problems in what the go tool writes for people, line by
// line: "# package" headers, "file:line:column: message", "go: message", and
// indented lines that belong to the one above.
type report struct {
	problems []problem
	compiles bool   // a "# package" header was the last header
	last     string // the last line, for a tool that says nothing we know
}

// progress are the lines that are no complaint.
var progress = []string{"go: downloading ", "go: extracting ", "go: finding ", "too many errors", "go: warning: "}

func isProgress(text string) bool {
	return slices.ContainsFunc(progress, func(p string) bool { return strings.HasPrefix(text, p) })
}

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
	if trimmed := strings.TrimSpace(text); trimmed == "" || isProgress(trimmed) {
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
	p.at, p.message, _ = place.Parse(text)
	switch filepath.Base(p.at.File) {
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
	return p.at.File == "" && len(p.more) == 0 && strings.HasSuffix(p.message, ":")
}

// finding says where a problem is, and what to do about it.
func (p problem) finding(src *place.Project) *backendv1.Finding {
	message, help := p.advice()
	d := diag.Error(nil, p.code, strings.ReplaceAll(message, src.Dir+string(filepath.Separator), ""))
	d.Help = help
	return src.Finding(p.at, d)
}

// failure returns what makes the report the error of a step. What the compiler
// says quotes the user's source, so no cause is looked for in it.
func (r *report) failure(project string) func() *backend.Failure {
	return func() *backend.Failure {
		src := &place.Project{Dir: project}
		var findings []*backendv1.Finding
		for _, p := range r.problems {
			if !p.isHeader() {
				findings = append(findings, p.finding(src))
			}
		}
		f := toolchain.FailureOf(r.last, findings)
		for _, p := range r.problems {
			if p.code != codeCompile && causes.Explain(f, p.message+" "+strings.Join(p.more, " ")) {
				break
			}
		}
		return f
	}
}

// causes are looked for in the messages of the go tool.
var causes = toolchain.Causes{
	{Says: "requires go >=", Kind: ofMachine,
		Help: "install that Go, or set GOTOOLCHAIN=auto to let the go tool fetch it"},
	{Says: "download go1", Kind: ofMachine, Help: "install that Go on this machine, or lower the go line of go.mod"},
	{Says: "no space left on device", Kind: ofMachine, Help: "free some disk space"},
	{Says: "dial tcp", Kind: ofMachine, Help: helpNetwork},
	{Says: "no such host", Kind: ofMachine, Help: helpNetwork},
	{Says: "i/o timeout", Kind: ofMachine, Help: helpNetwork},
	{Says: "certificate", Kind: ofMachine, Help: helpNetwork},
	{Says: "module lookup disabled by GOPROXY=off", Kind: ofMachine, Help: helpNetwork},
	{Says: "missing go.sum entry", Kind: ofSource, Help: helpTidy},
	{Says: "updates to go.mod needed", Kind: ofSource, Help: helpTidy},
	{Says: "no required module provides package", Kind: ofSource, Help: helpTidy},
	{Says: "inconsistent vendoring", Kind: ofSource, Help: "run 'go mod vendor' in the project"},
	{Says: "build constraints exclude all Go files", Kind: ofSource,
		Help: "the package has no files for GOOS=wasip1 GOARCH=wasm without cgo; add some, or do not import it there"},
}

const (
	ofSource    = backendv1.FailureKind_FAILURE_KIND_SOURCE
	ofMachine   = backendv1.FailureKind_FAILURE_KIND_MACHINE
	helpNetwork = "check the network, GOPROXY and the proxy variables"
	helpTidy    = "run 'go mod tidy' in the project; a build never changes it"
)
