// SPDX-License-Identifier: Apache-2.0

package report_test

import (
	"time"

	"github.com/zlayer/zlayer/conformance"
	"github.com/zlayer/zlayer/conformance/suite"
)

// command made the samples.
var command = []string{"zlayer", "conformance", "./my plugin", "--engine", "wasmtime run {module}"}

// hostile is what a plugin may have said.
const hostile = "a\x1b[2J\x1b]0;title\a\r\n</pre><script src=//x>alert(1)</script> & \"'\u202egnp.exe\ufeff \xff ]]> \ufffe end"

// conforming is the report of a plugin with nothing to say of it.
func conforming() *conformance.Report {
	r := &conformance.Report{
		Plugin: "demo", Version: "1.2.3", Kinds: []string{"frontend"}, Path: "/src/demo/plugin", Whole: true,
		Began: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), Seconds: 4.25,
	}
	for _, name := range []string{"contract/manifest", "contract/digests", "frontend/copy", "frontend/copy-flags", "frontend/needs"} {
		r.Results = append(r.Results, suite.Result{Name: name, About: "looks at " + name, Spec: []string{"F1"}, Level: suite.Must, Status: suite.Passed, Seconds: .125})
	}
	return r
}

// broken is a report with all that can come out.
func broken() *conformance.Report {
	r := conforming()
	r.Engine = []string{"wasmtime", "run", "{module}"}
	r.Stale = []string{"line 3: frontend/copy does not fail, it is passed", "line 7: no case has the name frontend/gone"}
	r.Results = append(r.Results,
		suite.Result{
			Name: "frontend/heredoc", About: "a here-document keeps its tabs", Spec: []string{"S7", "F7"}, Level: suite.Must, Status: suite.Failed, Seconds: .5,
			Input: "FROM scratch\nCOPY <<EOF /x\n\ttext & <more>\nEOF\n",
			Problems: []suite.Problem{
				{Class: "ok", Message: "the text of the step has no tab", Want: "\ttext", Got: "text"},
				{Class: "ok", Message: "the range ends at line 3", Input: "COPY <<EOF /x", Want: "4:4", Got: "3:14"},
			},
			Trace: []string{"> parse 52 bytes", "< build 120 bytes"},
		},
		suite.Result{Name: "frontend/heredoc-chomp", About: "<<-EOF takes tabs away", Level: suite.Must, Status: suite.Blocked, Why: "blocked by frontend/heredoc"},
		suite.Result{
			Name: "frontend/hint", About: "a misspelt instruction has a hint", Spec: []string{"D7"}, Level: suite.Should, Status: suite.Warned, Seconds: .01,
			Input: "RUNN x\n", Problems: []suite.Problem{{Class: "source", Message: "the diagnostic has no fix"}},
		},
		suite.Result{
			Name: "hostile/output", About: "what a plugin says is shown as text", Level: suite.Must, Status: suite.Failed, Seconds: 1,
			Input: hostile, Problems: []suite.Problem{{Class: "died", Message: hostile, Want: hostile, Got: hostile}}, Trace: []string{hostile},
		},
		suite.Result{Name: "hostile/panic", Level: suite.Must, Status: suite.Failed, Problems: []suite.Problem{{Class: "suite", Message: "the suite itself broke: oh"}}},
		suite.Result{Name: "life/leak-mounts", Level: suite.Must, Status: suite.CannotRun, Why: "this machine lets nobody mount"},
		suite.Result{Name: "life/large", Level: suite.Must, Status: suite.KnownFailing, Why: "line 1 of the list of known failures", Problems: []suite.Problem{{Class: "died", Message: "it died"}}},
		suite.Result{Name: "life/ssh", Level: suite.Must, Status: suite.NotDeclared, Why: "not declared: mount.ssh"},
		suite.Result{Name: "life/cache", Level: suite.Must, Status: suite.Undeclared, Why: "works, and is not declared: mount.cache"},
	)
	return r
}

// partly is the report of some cases.
func partly() *conformance.Report {
	r := conforming()
	r.Whole, r.Results = false, r.Results[:1]
	return r
}

// empty is the report of a run without cases.
func empty() *conformance.Report {
	r := conforming()
	r.Results = nil
	return r
}
