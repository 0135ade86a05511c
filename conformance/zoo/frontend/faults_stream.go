// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"slices"

	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
)

// streamFaults break framing, order and ends.
func streamFaults() map[string]fault {
	zero := 0
	return map[string]fault{
		"wrong-id":       {answer: func(_ *proxy, r *frontendv1.Response) { r.Id++ }},
		"id-of-32-bits":  {answer: func(_ *proxy, r *frontendv1.Response) { r.Id = uint64(uint32(r.Id)) }},
		"id-of-first":    {answer: func(p *proxy, r *frontendv1.Response) { r.Id = min(r.Id, 7) }},
		"no-second":      {write: func(p *proxy, a []byte) []byte { return once(p.n != 2, framed(a)) }},
		"two-answers":    {write: func(_ *proxy, a []byte) []byte { return slices.Repeat(framed(a), 2) }},
		"unframed":       {write: func(_ *proxy, a []byte) []byte { return a }},
		"fixed-length":   {write: func(_ *proxy, a []byte) []byte { return slices.Concat([]byte{byte(len(a)), 0, 0, 0}, a) }},
		"garbage-before": {greeting: "ready\n"},
		"garbage-after":  {write: func(_ *proxy, a []byte) []byte { return append(framed(a), '\n') }},
		"out-of-order":   {write: later},
		"dies-in-large":  {write: dieInLarge},
		"exit-code":      {exit: 1},
		"stays":          {stays: true},
		"cut-off-is-end": {exitCutOff: &zero},
		"first-only": {write: func(p *proxy, a []byte) []byte {
			if p.n > 1 {
				os.Exit(0)
			}
			return framed(a)
		}},
		"whole-only":   {wholeOnly: true},
		"short-only":   {shortOnly: true},
		"no-arguments": {noArguments: true},
	}
}

// once returns the bytes if it is so, else none.
func once(ok bool, b []byte) []byte {
	if !ok {
		return nil
	}
	return b
}

// dieInLarge ends in the middle of a large answer.
func dieInLarge(p *proxy, answer []byte) []byte {
	const most = 64 << 10
	whole := framed(answer)
	if len(whole) <= most {
		return whole
	}
	_, _ = p.out.Write(whole[:most])
	os.Exit(134)
	return nil
}

// later writes an answer after the next one, when another request is there
// already.
func later(p *proxy, answer []byte) []byte {
	now := framed(answer)
	if p.held == nil && p.in.Buffered() > 0 {
		p.held = now
		return nil
	}
	now = append(now, p.held...)
	p.held = nil
	return now
}

// crashFaults end, or fail, where others answer.
func crashFaults() map[string]fault {
	return map[string]fault{
		"unknown-method-is-fine": {answer: instead(frontendv1.Code_CODE_UNIMPLEMENTED, func(r *frontendv1.Response) {
			r.Result = &frontendv1.Response_Parse{Parse: &frontendv1.ParseResponse{}}
		})},
		"unknown-method-is-internal": {answer: instead(frontendv1.Code_CODE_UNIMPLEMENTED, func(r *frontendv1.Response) {
			r.GetFailure().Code = frontendv1.Code_CODE_INTERNAL
		})},
		"unknown-method-exits":  {answer: instead(frontendv1.Code_CODE_UNIMPLEMENTED, func(*frontendv1.Response) { os.Exit(3) })},
		"malformed-is-internal": {answer: instead(frontendv1.Code_CODE_INVALID_REQUEST, func(r *frontendv1.Response) { r.GetFailure().Code = frontendv1.Code_CODE_INTERNAL })},
		"malformed-exits":       {answer: instead(frontendv1.Code_CODE_INVALID_REQUEST, func(*frontendv1.Response) { os.Exit(3) })},
		"malformed-silent": {raw: func(_ *proxy, frame []byte) ([][]byte, bool) {
			return nil, (&frontendv1.Request{}).UnmarshalVT(frame) != nil
		}},
		"refuses-new-fields": {raw: refuseUnknown},
		"failure-for-errors": {answer: func(_ *proxy, r *frontendv1.Response) {
			if d := r.GetParse().GetDiagnostics(); len(d) > 0 && d[0].GetSeverity() == diagv1.Severity_SEVERITY_ERROR {
				r.Result = &frontendv1.Response_Failure{Failure: &frontendv1.Failure{Code: frontendv1.Code_CODE_INTERNAL, Message: d[0].GetMessage()}}
			}
		}},
		"crash-on-nul":        {ask: crash(func(c []byte) bool { return bytes.Contains(c, []byte{0}) })},
		"crash-on-empty":      {ask: crash(func(c []byte) bool { return len(c) == 0 })},
		"crash-on-invalid":    {ask: crash(func(c []byte) bool { return bytes.Contains(c, []byte{0xff}) })},
		"crash-on-long-line":  {ask: crash(func(c []byte) bool { return longest(c) > 64<<10 })},
		"crash-on-many-lines": {ask: crash(func(c []byte) bool { return bytes.Count(c, []byte{'\n'}) > 50000 })},
		"crash-on-brackets":   {ask: crash(func(c []byte) bool { return bytes.Contains(c, bytes.Repeat([]byte{'['}, 1000)) })},
		"crash-on-large":      {ask: crash(func(c []byte) bool { return len(c) >= 2<<20 })},
		"crash-on-exponent":   {ask: crash(func(c []byte) bool { return bytes.Contains(c, []byte("1e999")) })},
		"crash-on-noise":      {ask: crash(func(c []byte) bool { return noise(c) > 500 })},
	}
}

// instead changes failures of a class.
func instead(code frontendv1.Code, change func(*frontendv1.Response)) func(*proxy, *frontendv1.Response) {
	return func(_ *proxy, r *frontendv1.Response) {
		if r.GetFailure().GetCode() == code {
			change(r)
		}
	}
}

// crash ends the process where a build file is so.
func crash(so func(content []byte) bool) func(*frontendv1.ParseRequest) {
	return func(r *frontendv1.ParseRequest) {
		if so(r.GetContent()) {
			os.Exit(134)
		}
	}
}

// noise counts bytes that are not ASCII.
func noise(content []byte) int {
	n := 0
	for _, b := range content {
		if b >= 0x80 {
			n++
		}
	}
	return n
}

// longest is the length of the longest line.
func longest(content []byte) int {
	most := 0
	for line := range bytes.Lines(content) {
		most = max(most, len(line))
	}
	return most
}

// refuseUnknown answers a request with unknown fields with a failure.
func refuseUnknown(_ *proxy, frame []byte) ([][]byte, bool) {
	var req frontendv1.Request
	if err := req.UnmarshalVT(frame); err != nil || req.Method == nil || req.Open() == "" {
		return nil, false
	}
	res := &frontendv1.Response{Id: req.GetId(), Result: &frontendv1.Response_Failure{
		Failure: &frontendv1.Failure{Code: frontendv1.Code_CODE_INVALID_REQUEST, Message: "unknown field"},
	}}
	data, err := res.MarshalVT()
	return [][]byte{data}, err == nil
}
