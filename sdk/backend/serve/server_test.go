// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

// store is a Backend with everything optional; err is what its methods return.
type store struct {
	builder
	err error
}

func (s store) Has(context.Context, *backendv1.HasRequest) (bool, error)     { return true, s.err }
func (s store) Export(context.Context, *backendv1.ExportRequest) error       { return s.err }
func (s store) Remove(_ context.Context, r *backendv1.RemoveRequest) error   { panic(r.GetHandles()[0]) }
func (s store) Recover(_ context.Context, _ *backendv1.RecoverRequest) error { return s.err }

func TestOptionalMethods(t *testing.T) {
	ctx := t.Context()
	c, _ := dial(t, builder(nil))
	if _, err := c.Has(ctx, &backendv1.HasRequest{}); status.Code(err) != codes.Unimplemented {
		t.Errorf("Has of a backend without a store: %v", err)
	}
	if _, err := c.Recover(ctx, &backendv1.RecoverRequest{JobIds: []string{"j"}}); err != nil {
		t.Errorf("Recover of a backend without jobs to recover: %v", err)
	}
	c, _ = dial(t, store{})
	if r, err := c.Has(ctx, &backendv1.HasRequest{Handle: "h"}); err != nil || !r.GetPresent() {
		t.Errorf("Has: %v, %v", r, err)
	}
}

func TestErrorsReachTheHost(t *testing.T) {
	for _, tt := range []struct {
		err  error
		code codes.Code
		want string
	}{
		{errors.New("disk on fire"), codes.Unknown, "disk on fire"},
		{&backend.Failure{Message: "no space", Help: "run prune"}, codes.FailedPrecondition, "no space: run prune"},
		{backend.Machinef(nil, "no space"), codes.FailedPrecondition, "no space"},
		{&backend.Failure{Kind: backendv1.FailureKind_FAILURE_KIND_INTERNAL, Message: "oops"}, codes.Internal, "oops"},
		{fmt.Errorf("writing a blob: %w", syscall.ENOSPC), codes.FailedPrecondition, "no space left for the build: writing a blob"},
		{&os.PathError{Op: "write", Path: "x", Err: syscall.EDQUOT}, codes.FailedPrecondition, "free some space"},
		{context.Canceled, codes.Canceled, ""},
	} {
		c, _ := dial(t, store{err: tt.err})
		_, err := c.Export(t.Context(), &backendv1.ExportRequest{})
		if status.Code(err) != tt.code || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v became %v, want %v %q", tt.err, err, tt.code, tt.want)
		}
	}
}

func TestPanicOfACallIsAnError(t *testing.T) {
	c, _ := dial(t, store{})
	for range 2 {
		_, err := c.Remove(t.Context(), &backendv1.RemoveRequest{Handles: []string{"confused"}})
		if status.Code(err) != codes.Internal || !strings.Contains(err.Error(), "confused") {
			t.Fatalf("got %v", err)
		}
	}
}

func TestCodecFallsBack(t *testing.T) {
	for _, m := range []any{&backendv1.Ask{Id: 3, Secret: "s"}, wrapperspb.String("s")} {
		data, err := Codec().Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		got := map[bool]any{true: &backendv1.Ask{}, false: &wrapperspb.StringValue{}}[isAsk(m)]
		if err := Codec().Unmarshal(data, got); err != nil {
			t.Fatal(err)
		}
		if a, ok := got.(*backendv1.Ask); ok && a.GetSecret() != "s" {
			t.Errorf("got %v", a)
		}
		if v, ok := got.(*wrapperspb.StringValue); ok && v.GetValue() != "s" {
			t.Errorf("got %v", v)
		}
	}
	if _, err := Codec().Marshal("no message"); err == nil {
		t.Error("a string was encoded")
	}
	if err := Codec().Unmarshal(mem.BufferSlice{mem.SliceBuffer("\xff")}, &backendv1.Ask{}); err == nil {
		t.Error("rubbish was decoded")
	}
}

func isAsk(m any) bool { _, ok := m.(*backendv1.Ask); return ok }
