// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/toolchain"
	"github.com/zlayer/zlayer/sdk/toolchain/place"
)

const (
	ofSource  = backendv1.FailureKind_FAILURE_KIND_SOURCE
	ofMachine = backendv1.FailureKind_FAILURE_KIND_MACHINE
)

// causes are what a user can do something about.
var causes = toolchain.Causes{
	{Says: "requires go >=", Kind: ofMachine, Help: "install that Go on this machine, or lower the go line of go.mod"},
	{Says: "no space left on device", Kind: ofMachine, Help: "free some disk space"},
	{Says: "dial tcp", Kind: ofMachine, Help: "see that the network and GOPROXY are right"},
	{Says: "disabled by GOPROXY=off", Kind: ofMachine, Help: "see that the network and GOPROXY are right"},
	{Says: "missing go.sum entry", Kind: ofSource, Help: "run 'go mod tidy' in the project"},
	{Says: "updates to go.mod needed", Kind: ofSource, Help: "run 'go mod tidy' in the project"},
	{Says: "no required module provides package", Kind: ofSource, Help: "run 'go mod tidy' in the project"},
}

// report collects what the go tool says.
type report struct {
	project  place.Project
	last     string
	findings []*backendv1.Finding
	compiles bool     // what is said is the compiler's, which quotes the source
	said     []string // before it was
}

func newReport(dir string) *report { return &report{project: place.Project{Dir: dir}} }

// add reads a line: "./main.go:3:5: undefined: x", "go: no such module".
func (r *report) add(line string) {
	text := strings.TrimRight(line, "\r\n")
	switch {
	case strings.HasPrefix(text, "# "):
		r.compiles = true
		return
	case strings.TrimSpace(text) == "", strings.HasPrefix(text, "go: downloading "), strings.HasPrefix(text, "go: warning: "):
		return
	}
	if !r.compiles {
		r.said = append(r.said, text)
	}
	at, message, ok := place.Parse(text)
	switch n := len(r.findings); {
	case text[0] == '\t' && n > 0: // more about the line above
		r.findings[n-1].Diagnostic.Message += " " + strings.TrimSpace(text)
	case ok:
		r.findings = append(r.findings, r.project.Finding(at, diag.Error(nil, "go-build", message)))
	default:
		r.last = strings.TrimPrefix(text, "go: ")
	}
}

// failure is what the report comes to.
func (r *report) failure() *backend.Failure {
	f := toolchain.FailureOf(r.last, r.findings)
	causes.Explain(f, strings.Join(r.said, "\n"))
	return f
}
