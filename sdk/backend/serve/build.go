// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"context"
	"errors"
	"io"
	"strconv"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

type buildStream = grpc.BidiStreamingServer[backendv1.BuildRequest, backendv1.BuildEvent]

// Build implements the protocol: the first request is start, the last event is
// artifact or failed, and there is exactly one of them.
func (s *server) Build(stream buildStream) error {
	s.jobs.Add(1)
	defer s.jobs.Done()

	start, err := receiveStart(stream)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	defer context.AfterFunc(s.alive, cancel)()

	j := newJob(ctx)
	sent := make(chan error, 1)
	go func() { sent <- j.send(stream, cancel) }()
	go receive(stream, j, cancel)

	last := s.build(ctx, start, j)
	j.close()
	if err := <-sent; err != nil {
		return err
	}
	return stream.Send(last)
}

func receiveStart(stream buildStream) (*backendv1.Start, error) {
	first, err := stream.Recv()
	if err != nil {
		return nil, err
	}
	if first.GetStart() == nil {
		return nil, status.Error(codes.InvalidArgument, "the first message of a build is not start")
	}
	return first.GetStart(), nil
}

// receive passes on what the host says while the build runs. The host may stop
// talking; when the stream breaks, its context ends too.
func receive(stream buildStream, j *job, cancel context.CancelFunc) {
	for {
		r, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			cancel()
			return
		}
		switch m := r.GetMessage().(type) {
		case *backendv1.BuildRequest_Cancel:
			cancel()
		case *backendv1.BuildRequest_Answer:
			j.answer(m.Answer)
		}
	}
}

// build runs the Backend's Build and turns every way in which it can end into
// the last event.
func (s *server) build(ctx context.Context, start *backendv1.Start, j *job) (last *backendv1.BuildEvent) {
	if what := unreadable(start.GetBuild()); what != "" {
		return failed(&backendv1.Failed{
			Kind:    backendv1.FailureKind_FAILURE_KIND_INTERNAL,
			Message: "the backend does not understand the build" + what,
			Help:    "the host is newer than the backend: update the backend",
		})
	}
	defer func() {
		if text, ok := recovered(recover()); ok {
			last = failed(&backendv1.Failed{
				Kind: backendv1.FailureKind_FAILURE_KIND_INTERNAL, Message: text,
				Help: "report this to the author of the backend",
			})
		}
	}()
	artifact, err := s.backend.Build(ctx, start, j)
	switch {
	case err != nil:
		return failed(failureOf(ctx, err))
	case artifact == nil:
		return failed(failureOf(ctx, errors.New("the backend returned no artifact and no error")))
	default:
		return &backendv1.BuildEvent{Event: &backendv1.BuildEvent_Artifact{Artifact: artifact}}
	}
}

// unreadable says what of a build this version of the messages does not know:
// the IR is closed (SPEC R1).
func unreadable(b *irv1.ResolvedBuild) string {
	if b == nil {
		return ": missing"
	}
	for _, id := range b.GetFeatures() {
		if f, ok := ir.LookupFeature(id); !ok || !f.Resolved {
			return ": features: " + strconv.Quote(id) + " is not known"
		}
	}
	return b.Open()
}

func failed(f *backendv1.Failed) *backendv1.BuildEvent {
	return &backendv1.BuildEvent{Event: &backendv1.BuildEvent_Failed{Failed: f}}
}

// failureOf says whose fault an error of Build is.
func failureOf(ctx context.Context, err error) *backendv1.Failed {
	err = judged(err)
	var f *backend.Failure
	if errors.As(err, &f) {
		kind := f.Kind
		if kind == backendv1.FailureKind_FAILURE_KIND_UNSPECIFIED {
			kind = backendv1.FailureKind_FAILURE_KIND_INTERNAL
		}
		return &backendv1.Failed{
			Kind: kind, Ref: f.Ref, Message: err.Error(), Help: f.Help,
			ExitCode: int32(f.ExitCode), Findings: f.Findings,
		}
	}
	if ctx.Err() != nil {
		return &backendv1.Failed{
			Kind:    backendv1.FailureKind_FAILURE_KIND_CANCELLED,
			Message: "the build was cancelled",
		}
	}
	return &backendv1.Failed{Kind: backendv1.FailureKind_FAILURE_KIND_INTERNAL, Message: err.Error()}
}
