// SPDX-License-Identifier: Apache-2.0

package build

import (
	"errors"
	"fmt"
	"testing"

	"github.com/zlayer/zlayer/conformance/vectors"
	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
)

func TestFail(t *testing.T) {
	found := []*diagv1.Diagnostic{
		diag.Warning(&diagv1.Range{Line: 2}, "odd", "it is odd"),
		diag.Error(&diagv1.Range{Line: 3}, "bad", "it is bad"),
	}
	for _, c := range []struct {
		err    error
		ending string
		code   string
	}{
		{&host.SourceError{Diagnostics: found}, "source line 3", "bad"},
		{&host.UnsupportedError{SourceError: host.SourceError{Diagnostics: found}}, "unsupported line 3", "bad"},
		{&host.StepError{Findings: found, ExitCode: 4}, "source line 3 exit 4", "bad"},
		{&host.StepError{Machine: true}, "machine", ""},
		{&host.PluginError{}, "internal", ""},
		{fmt.Errorf("building: %w", &host.PluginError{Died: true}), "died", ""},
	} {
		out := &Outcome{}
		if err := out.fail(c.err); err != nil {
			t.Errorf("%s: %v", c.ending, err)
		}
		if got := Ending(out.Failure); got != c.ending || out.Code != c.code {
			t.Errorf("%s %q, want %s %q", got, out.Code, c.ending, c.code)
		}
	}
	other := errors.New("no registry")
	if err := (&Outcome{}).fail(other); !errors.Is(err, other) {
		t.Errorf("an error of the machinery is %v", err)
	}
}

func TestMeets(t *testing.T) {
	failure := func(class string, line, exit int) *vectors.Failure {
		return &vectors.Failure{Class: class, Line: line, Exit: exit}
	}
	for _, c := range []struct {
		got, want *vectors.Failure
		meets     bool
	}{
		{nil, nil, true},
		{failure("source", 3, 0), nil, false},
		{nil, failure("source", 3, 0), false},
		{failure("source", 3, 1), failure("source", 3, 1), true},
		{failure("source", 3, 1), failure("source", 0, 1), true},
		{failure("source", 3, 1), failure("source", 4, 1), false},
		{failure("source", 3, 1), failure("source", 3, 2), false},
		{failure("machine", 3, 0), failure("source", 3, 0), false},
		{failure("died", 0, 0), failure("source", 0, 0), false},
	} {
		if got := (&Outcome{Failure: c.got}).Meets(c.want); got != c.meets {
			t.Errorf("%s as %s: %v", Ending(c.got), Ending(c.want), got)
		}
	}
}
