// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/driver"
	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/buildctx"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

func TestKeysDiffer(t *testing.T) {
	amd64, arm64 := &irv1.Platform{Os: "linux", Architecture: "amd64"}, &irv1.Platform{Os: "linux", Architecture: "arm64"}
	seen := map[string]string{}
	for name, k := range map[string]*key{
		"plain": newKey("exec", amd64), "kind": newKey("transfer", amd64), "platform": newKey("exec", arm64),
		"one text": newKey("exec", amd64).add("ab"), "two texts": newKey("exec", amd64).add("a", "b"), "empty text": newKey("exec", amd64).add(""),
	} {
		if other, ok := seen[k.String()]; ok {
			t.Errorf("%q and %q have one key", name, other)
		}
		seen[k.String()] = name
	}
	again := newKey("exec", amd64).add("a", "b").String()
	if seen[again] != "two texts" {
		t.Error("the same has two keys")
	}
}

// A path that is made a source stands for itself and for nothing else.
func TestLiteral(t *testing.T) {
	for _, name := range []string{".", "a", "a/b", "a*b", "a?", "[a]", "a[", "a]b", `a\b`, `a\*`, `[\]`, "**"} {
		s, err := buildctx.ParseSource(literal(name))
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		hit, _ := s.Match(name)
		if !s.IsPattern() {
			hit = s.Base == name
		}
		if !hit {
			t.Errorf("%q is written %q, which does not match it", name, literal(name))
		}
		if s.IsPattern() {
			if hit, _ := s.Match("axb"); hit {
				t.Errorf("%q is written %q, which matches something else", name, literal(name))
			}
		}
	}
}

func TestNamed(t *testing.T) {
	for chown, want := range map[string]bool{"": false, "0": false, "1:2": false, "bob": true, "1:users": true, "bob:2": true, "1a": true} {
		if got := named(chown); got != want {
			t.Errorf("named(%q) = %v", chown, got)
		}
	}
}

func TestFailure(t *testing.T) {
	ref := &backendv1.StepRef{Step: 3}
	source := backend.Sourcef(nil, "wrong")
	tests := []struct {
		err  error
		kind backendv1.FailureKind
		code int
	}{
		{fmt.Errorf("copying: %w", source), backendv1.FailureKind_FAILURE_KIND_SOURCE, 0},
		{fmt.Errorf("x: %w", &driver.ExitError{Code: 9}), backendv1.FailureKind_FAILURE_KIND_SOURCE, 9},
		{fmt.Errorf("x: %w", syscall.ENOSPC), backendv1.FailureKind_FAILURE_KIND_MACHINE, 0},
		{fmt.Errorf("x: %w", syscall.EDQUOT), backendv1.FailureKind_FAILURE_KIND_MACHINE, 0},
		{errors.New("x"), backendv1.FailureKind_FAILURE_KIND_INTERNAL, 0},
	}
	for _, tt := range tests {
		var f *backend.Failure
		if err := Failure(ref, tt.err); !errors.As(err, &f) || f.Kind != tt.kind || f.ExitCode != tt.code || f.Ref != ref {
			t.Errorf("Failure(%v) = %v", tt.err, err)
		}
	}
	if err := Failure(ref, fmt.Errorf("x: %w", context.Canceled)); !errors.Is(err, context.Canceled) {
		t.Errorf("the end of a context became %v", err)
	}
}
