// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/json"
	"io"

	"github.com/zlayer/zlayer/conformance"
	"github.com/zlayer/zlayer/conformance/suite"
)

// result is a result with what makes it useful by itself.
type result struct {
	suite.Result
	// Command runs the case again, when it did not pass.
	Command string `json:"command,omitempty"`
}

func (o Options) result(r suite.Result) result {
	if r.Status == suite.Passed {
		return result{Result: r}
	}
	return result{r, o.again(r.Name)}
}

// outcome is what a run says as a whole.
type outcome struct {
	Conforms bool  `json:"conforms"`
	Counts   tally `json:"counts"`
	*conformance.Report
}

func writeJSON(w io.Writer, r *conformance.Report, o Options) error {
	document := struct {
		outcome
		Results []result `json:"results"` // in place of the report's
	}{outcome{r.OK(), count(r.Results), r}, []result{}}
	for _, one := range r.Results {
		document.Results = append(document.Results, o.result(one))
	}
	encoder := newEncoder(w).Encoder
	encoder.SetIndent("", "  ")
	return encoder.Encode(document)
}

// encoder writes JSON and remembers the first error.
type encoder struct {
	*json.Encoder
	err error
}

func newEncoder(w io.Writer) *encoder {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return &encoder{Encoder: e}
}

// events writes an object a line: one of type "case" for each result, as it
// comes, and one of type "end".
type events struct {
	*encoder
	Options
}

func (e *events) Result(r suite.Result) {
	e.event(struct {
		Type string `json:"type"`
		result
	}{"case", e.result(r)})
}

func (e *events) End(r *conformance.Report) error {
	e.event(struct {
		Type string `json:"type"`
		outcome
		Results []result `json:"results,omitempty"` // none: they had their events
	}{"end", outcome{r.OK(), count(r.Results), r}, nil})
	return e.err
}

func (e *events) event(v any) {
	if e.err == nil {
		e.err = e.Encode(v)
	}
}
