// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"time"

	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
)

// pureFaults give other answers to the same request, or late ones.
func pureFaults() map[string]fault {
	kept := 0
	return map[string]fault{
		"counts":           {parsed: says(func(p *proxy) any { return p.n })},
		"first-is-special": {parsed: says(func(p *proxy) any { return p.n == 1 })},
		"tells-pid":        {parsed: says(func(*proxy) any { return os.Getpid() })},
		"tells-time":       {parsed: says(func(*proxy) any { return time.Now().UnixNano() })},
		"remembers":        {parsed: says(func(p *proxy) any { return p.sum })},
		"tells-arguments":  {parsed: says(func(*proxy) any { return len(os.Args) })},
		"remembers-tokens": {parsed: func(p *proxy, q *frontendv1.ParseRequest, r *frontendv1.ParseResponse) {
			if p.n > 100 && len(r.Symbols) > 1 {
				r.Symbols[0], r.Symbols[1] = r.Symbols[1], r.Symbols[0]
			}
		}},
		"slow":        {ask: func(*frontendv1.ParseRequest) { time.Sleep(60 * time.Millisecond) }},
		"starts-late": {startsAfter: 1500 * time.Millisecond},
		"leaks": {ask: func(r *frontendv1.ParseRequest) {
			const most = 256 << 20
			if kept += len(r.GetContent()); kept > most {
				os.Exit(137)
			}
		}},
	}
}

// says adds something to the message of the last diagnostic, or a diagnostic.
func says(what func(*proxy) any) func(*proxy, *frontendv1.ParseRequest, *frontendv1.ParseResponse) {
	return func(p *proxy, _ *frontendv1.ParseRequest, r *frontendv1.ParseResponse) {
		if n := len(r.Diagnostics); n > 0 {
			r.Diagnostics[n-1].Message += fmt.Sprint(" ", what(p))
		}
	}
}

// each changes every diagnostic.
func each(change func(*diagv1.Diagnostic)) fault {
	return fault{parsed: func(_ *proxy, _ *frontendv1.ParseRequest, r *frontendv1.ParseResponse) {
		for _, d := range r.GetDiagnostics() {
			change(d)
		}
	}}
}

// ranged changes the range of every diagnostic that has one.
func ranged(change func(*diagv1.Range)) fault {
	return each(func(d *diagv1.Diagnostic) {
		if d.GetRange().GetLine() != 0 {
			change(d.Range)
		}
	})
}
