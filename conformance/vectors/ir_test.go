// SPDX-License-Identifier: Apache-2.0

package vectors_test

import (
	"errors"
	"testing"

	"github.com/zlayer/zlayer/conformance/vectors"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
	"github.com/zlayer/zlayer/sdk/ir/digest"
)

// message is what protobuf messages have.
type message interface {
	UnmarshalJSON([]byte) error
	UnmarshalVT([]byte) error
}

// read reads a message of a vector.
func read[M message](from vectors.Message, m M) (M, error) {
	if from.Wire != nil {
		return m, m.UnmarshalVT(from.Wire)
	}
	return m, m.UnmarshalJSON(from.JSON)
}

// judge returns whether the SDK takes a build, and its digest.
func judge(resolved bool, m vectors.Message) (sum string, err error) {
	if resolved {
		b, err := read(m, &irv1.ResolvedBuild{})
		if err != nil {
			return "", &ir.InvalidError{Problem: err.Error()}
		}
		return digest.Resolved(b), ir.ValidateResolved(b)
	}
	b, err := read(m, &irv1.Build{})
	if err != nil {
		return "", &ir.InvalidError{Problem: err.Error()}
	}
	return digest.Source(b), ir.Validate(b)
}

// The SDK takes and refuses builds as the vectors say, and names the node.
func TestIRVectors(t *testing.T) {
	all, err := vectors.IRs()
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range all {
		t.Run(v.Name, func(t *testing.T) {
			sum, err := judge(v.Resolved, v.Build)
			var invalid *ir.InvalidError
			switch {
			case !v.Refused && err != nil:
				t.Fatal(err)
			case v.Refused && !errors.As(err, &invalid):
				t.Fatalf("it was accepted, want %s", v.Expect)
			case v.Refused && invalid.Path != v.Where:
				t.Errorf("got %q in %q, want %q", invalid.Problem, invalid.Path, v.Where)
			}
			for i, m := range v.Same {
				if got, err := judge(v.Resolved, m); err != nil || got != sum {
					t.Errorf("same %d has digest %s (%v), want %s", i, got, err, sum)
				}
			}
			for i, m := range v.Other {
				if got, err := judge(v.Resolved, m); err != nil || got == sum {
					t.Errorf("other %d has digest %s, too (%v)", i, got, err)
				}
			}
		})
	}
}

// The SDK takes and refuses diagnostics as the vectors say, and names sentence
// and node.
func TestDiagnosticsVectors(t *testing.T) {
	all, err := vectors.AllDiagnostics()
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range all {
		t.Run(v.Name, func(t *testing.T) {
			r, err := read(vectors.Message{JSON: v.JSON}, &frontendv1.ParseResponse{})
			if err != nil {
				t.Fatal(err)
			}
			var files []*diag.Mapper
			for _, text := range v.Sources {
				files = append(files, diag.NewMapper(text))
			}
			found := diag.Check(files, r.GetDiagnostics())
			switch {
			case !v.Refused && len(found) > 0:
				t.Errorf("refused: %v", found)
			case v.Refused && len(found) == 0:
				t.Errorf("it was accepted, want %s", v.Expect)
			case v.Refused && (found[0].Rule != v.Rule || found[0].Path != v.Where):
				t.Errorf("got %s, want %s", found[0], v.Expect)
			}
		})
	}
}
