// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/backendv1/backendv1grpc"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// builder is a Backend made of its Build.
type builder func(context.Context, *backendv1.Start, backend.Job) (*backendv1.Artifact, error)

func (builder) Describe(context.Context, *backendv1.DescribeRequest) (*backendv1.DescribeResponse, error) {
	return &backendv1.DescribeResponse{}, nil
}

func (b builder) Build(ctx context.Context, s *backendv1.Start, j backend.Job) (*backendv1.Artifact, error) {
	return b(ctx, s, j)
}

// dial serves b in this process and returns a client.
func dial(t *testing.T, b backend.Backend) (backendv1grpc.BackendClient, *server) {
	t.Helper()
	s := &server{backend: b, alive: t.Context()}
	g := newGRPC(nil, func() {})
	if err := (grpcPlugin{server: s}).GRPCServer(nil, g); err != nil {
		t.Fatal(err)
	}
	l := bufconn.Listen(1 << 20)
	go func() { _ = g.Serve(l) }()
	t.Cleanup(g.Stop)
	conn, err := grpc.NewClient("passthrough:buf", append(DialOptions(),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return backendv1grpc.NewBackendClient(conn), s
}

func startRequest() *backendv1.BuildRequest {
	return &backendv1.BuildRequest{Message: &backendv1.BuildRequest_Start{Start: &backendv1.Start{
		JobId: "job", Build: &irv1.ResolvedBuild{Kind: &irv1.ResolvedBuild_Wasm{Wasm: &irv1.ResolvedWasm{Language: "go"}}},
	}}}
}

type clientStream = grpc.BidiStreamingClient[backendv1.BuildRequest, backendv1.BuildEvent]

func begin(t *testing.T, c backendv1grpc.BackendClient) clientStream {
	t.Helper()
	stream, err := c.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(startRequest()); err != nil {
		t.Fatal(err)
	}
	return stream
}

// events reads all events of a build.
func events(t *testing.T, stream clientStream) []*backendv1.BuildEvent {
	t.Helper()
	var all []*backendv1.BuildEvent
	for {
		e, err := stream.Recv()
		if err != nil {
			if len(all) == 0 {
				t.Fatal(err)
			}
			return all
		}
		all = append(all, e)
	}
}

func TestBuildKeepsTheOrderOfEvents(t *testing.T) {
	ref := &backendv1.StepRef{Stage: 1, Step: 2}
	c, _ := dial(t, builder(func(_ context.Context, _ *backendv1.Start, j backend.Job) (*backendv1.Artifact, error) {
		j.StepStarted(ref, "go build")
		buffer := make([]byte, 4)
		for i := range 1000 {
			copy(buffer, fmt.Sprintf("%04d", i)) // reused: the job must copy it
			j.Output(ref, i%2 == 0, buffer)
		}
		j.Output(ref, false, bytes.Repeat([]byte("x"), 3*maxOutput+1))
		j.Progress(ref, "u", 1, 2)
		j.Warn(nil, &backendv1.Finding{File: "f"})
		j.InputRead("tool", "go", "go1.26")
		j.StepFinished(ref, true)
		return &backendv1.Artifact{Handle: "h"}, nil
	}))
	got := events(t, begin(t, c))
	if want := 1 + 1000 + 4 + 4 + 1; len(got) != want {
		t.Fatalf("%d events, want %d", len(got), want)
	}
	for i, e := range got[1:1001] {
		if text := fmt.Sprintf("%04d", i); string(e.GetOutput().GetData()) != text || e.GetOutput().GetStderr() != (i%2 == 0) {
			t.Fatalf("event %d is %v, want output %s", i+1, e, text)
		}
	}
	if e := got[0].GetStepStarted(); !e.GetRef().EqualVT(ref) || e.GetName() != "go build" {
		t.Errorf("first event is %v", got[0])
	}
	if !got[len(got)-2].GetStepFinished().GetCached() || got[len(got)-1].GetArtifact().GetHandle() != "h" {
		t.Errorf("last events are %v", got[len(got)-2:])
	}
}

func TestBuildEnds(t *testing.T) {
	ref := &backendv1.StepRef{Step: 3}
	for _, tt := range []struct {
		name string
		err  error
		want *backendv1.Failed
	}{
		{"source", &backend.Failure{Kind: backendv1.FailureKind_FAILURE_KIND_SOURCE, Ref: ref, Message: "m", Help: "h", ExitCode: 7,
			Findings: []*backendv1.Finding{{File: "a.go"}}},
			&backendv1.Failed{Kind: backendv1.FailureKind_FAILURE_KIND_SOURCE, Ref: ref, Message: "m", Help: "h", ExitCode: 7,
				Findings: []*backendv1.Finding{{File: "a.go"}}}},
		{"wrapped", fmt.Errorf("stage 2: %w", backend.Machinef(nil, "no space")),
			&backendv1.Failed{Kind: backendv1.FailureKind_FAILURE_KIND_MACHINE, Message: "stage 2: no space"}},
		{"without a kind", &backend.Failure{Message: "m"},
			&backendv1.Failed{Kind: backendv1.FailureKind_FAILURE_KIND_INTERNAL, Message: "m"}},
		{"plain", errors.New("oops"),
			&backendv1.Failed{Kind: backendv1.FailureKind_FAILURE_KIND_INTERNAL, Message: "oops"}},
		{"full disk", fmt.Errorf("linking: %w", syscall.ENOSPC),
			&backendv1.Failed{Kind: backendv1.FailureKind_FAILURE_KIND_MACHINE, Message: "there is no space left for the build: linking: no space left on device",
				Help: "free some space, or remove images that are no longer needed"}},
		{"nothing", nil,
			&backendv1.Failed{Kind: backendv1.FailureKind_FAILURE_KIND_INTERNAL, Message: "the backend returned no artifact and no error"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := dial(t, builder(func(context.Context, *backendv1.Start, backend.Job) (*backendv1.Artifact, error) { return nil, tt.err }))
			got := events(t, begin(t, c))
			if len(got) != 1 || !got[0].GetFailed().EqualVT(tt.want) {
				t.Fatalf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestBuildPanicIsAFailure(t *testing.T) {
	c, _ := dial(t, builder(func(_ context.Context, _ *backendv1.Start, j backend.Job) (*backendv1.Artifact, error) {
		j.StepStarted(nil, "before")
		panic("confused")
	}))
	for range 2 { // and the server goes on
		got := events(t, begin(t, c))
		f := got[len(got)-1].GetFailed()
		if len(got) != 2 || f.GetKind() != backendv1.FailureKind_FAILURE_KIND_INTERNAL || !strings.Contains(f.GetMessage(), "confused") {
			t.Fatalf("got %v", got)
		}
	}
}

func TestBuildCancel(t *testing.T) {
	cleaned := make(chan struct{})
	c, _ := dial(t, builder(func(ctx context.Context, _ *backendv1.Start, j backend.Job) (*backendv1.Artifact, error) {
		j.StepStarted(nil, "endless")
		<-ctx.Done()
		j.Output(nil, true, []byte("cleaning up"))
		close(cleaned)
		return nil, ctx.Err()
	}))
	stream := begin(t, c)
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&backendv1.BuildRequest{Message: &backendv1.BuildRequest_Cancel{Cancel: &backendv1.Cancel{}}}); err != nil {
		t.Fatal(err)
	}
	got := events(t, stream)
	<-cleaned
	if len(got) != 2 || got[1].GetFailed().GetKind() != backendv1.FailureKind_FAILURE_KIND_CANCELLED {
		t.Fatalf("got %v", got)
	}
}

func TestBuildIsCancelledWhenTheHostGoes(t *testing.T) {
	started, ended := make(chan struct{}), make(chan struct{})
	c, s := dial(t, builder(func(ctx context.Context, _ *backendv1.Start, j backend.Job) (*backendv1.Artifact, error) {
		close(started)
		for ctx.Err() == nil { // more than the queue holds, and nobody reads
			j.Output(nil, false, make([]byte, maxOutput))
		}
		j.Output(nil, false, make([]byte, maxOutput))
		close(ended)
		return nil, ctx.Err()
	}))
	ctx, cancel := context.WithCancel(t.Context())
	stream, err := c.Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(startRequest()); err != nil {
		t.Fatal(err)
	}
	<-started
	cancel()
	<-ended
	s.jobs.Wait()
}

func TestBuildWaitsForASlowHost(t *testing.T) {
	var mu sync.Mutex
	reported := 0
	c, _ := dial(t, builder(func(_ context.Context, _ *backendv1.Start, j backend.Job) (*backendv1.Artifact, error) {
		for range 300 {
			j.Output(nil, false, make([]byte, maxOutput))
			mu.Lock()
			reported++
			mu.Unlock()
		}
		return &backendv1.Artifact{}, nil
	}))
	stream := begin(t, c)
	for before := -1; ; {
		time.Sleep(50 * time.Millisecond)
		mu.Lock()
		now := reported
		mu.Unlock()
		if now > 200 {
			t.Fatalf("%d events of 256 KiB are queued", now)
		}
		if now == before {
			break
		}
		before = now
	}
	if got := events(t, stream); len(got) != 301 {
		t.Fatalf("%d events", len(got))
	}
}

func TestBuildAsks(t *testing.T) {
	c, _ := dial(t, builder(func(ctx context.Context, _ *backendv1.Start, j backend.Job) (*backendv1.Artifact, error) {
		var wg sync.WaitGroup
		for i := range 10 { // at once, answered in another order
			wg.Go(func() {
				id := fmt.Sprint(i)
				if v, ok, err := j.Secret(ctx, id); err != nil || !ok || string(v) != "value "+id {
					j.Output(nil, true, fmt.Appendf(nil, "secret %s is %q, %v, %v", id, v, ok, err))
				}
			})
		}
		wg.Wait()
		if v, ok, err := j.Secret(ctx, "absent"); v != nil || ok || err != nil {
			j.Output(nil, true, []byte("an absent secret is there"))
		}
		if v, ok, err := j.SSH(ctx, "default"); v != "/agent" || !ok || err != nil {
			j.Output(nil, true, []byte("no agent"))
		}
		gone, cancel := context.WithCancel(ctx)
		cancel()
		if _, _, err := j.Secret(gone, "late"); !errors.Is(err, context.Canceled) {
			j.Output(nil, true, []byte("asked although cancelled"))
		}
		return &backendv1.Artifact{}, nil
	}))
	stream := begin(t, c)
	answer := func(a *backendv1.Answer) {
		t.Helper()
		if err := stream.Send(&backendv1.BuildRequest{Message: &backendv1.BuildRequest_Answer{Answer: a}}); err != nil {
			t.Fatal(err)
		}
	}
	var first []*backendv1.Ask
	for {
		e, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		switch q := e.GetAsk(); {
		case e.GetArtifact() != nil:
			return
		case q == nil:
			t.Fatalf("unexpected: %v", e)
		case q.GetSsh() != "":
			answer(&backendv1.Answer{Id: q.GetId(), Socket: "/agent"})
		case q.GetSecret() == "absent":
			answer(&backendv1.Answer{Id: q.GetId(), Absent: true})
		case q.GetSecret() == "late":
		default:
			if first = append(first, q); len(first) < 10 {
				continue
			}
			answer(&backendv1.Answer{Id: 9999}) // to nothing
			for i := len(first) - 1; i >= 0; i-- {
				answer(&backendv1.Answer{Id: first[i].GetId(), Secret: []byte("value " + first[i].GetSecret())})
			}
		}
	}
}

func TestBuildRefusesWhatItDoesNotUnderstand(t *testing.T) {
	c, _ := dial(t, builder(func(context.Context, *backendv1.Start, backend.Job) (*backendv1.Artifact, error) {
		return &backendv1.Artifact{}, nil
	}))
	t.Run("no start", func(t *testing.T) {
		stream, err := c.Build(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_ = stream.Send(&backendv1.BuildRequest{Message: &backendv1.BuildRequest_Cancel{Cancel: &backendv1.Cancel{}}})
		if _, err := stream.Recv(); status.Code(err) != codes.InvalidArgument {
			t.Fatalf("got %v", err)
		}
	})
	for name, build := range map[string]*irv1.ResolvedBuild{
		"no build": nil, "unset oneof": {},
		"unknown feature": {Features: []string{"zap"}, Kind: &irv1.ResolvedBuild_Wasm{Wasm: &irv1.ResolvedWasm{}}},
	} {
		t.Run(name, func(t *testing.T) {
			stream, err := c.Build(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			_ = stream.Send(&backendv1.BuildRequest{Message: &backendv1.BuildRequest_Start{Start: &backendv1.Start{Build: build}}})
			got := events(t, stream)
			if len(got) != 1 || got[0].GetFailed().GetHelp() == "" {
				t.Fatalf("got %v", got)
			}
		})
	}
}

func TestLargeMessages(t *testing.T) {
	c, _ := dial(t, builder(func(_ context.Context, s *backendv1.Start, _ backend.Job) (*backendv1.Artifact, error) {
		return &backendv1.Artifact{Handle: s.GetJobId()}, nil
	}))
	stream, err := c.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r := startRequest()
	r.GetStart().JobId = strings.Repeat("x", 32<<20)
	if err := stream.Send(r); err != nil {
		t.Fatal(err)
	}
	if got := events(t, stream); len(got[0].GetArtifact().GetHandle()) != 32<<20 {
		t.Fatal("a large message did not arrive whole")
	}
}
