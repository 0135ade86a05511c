// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/backend/serve"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// modeEnv makes the test binary a backend.
const modeEnv = "ZLAYER_PEER_TEST"

func TestMain(m *testing.M) {
	switch os.Getenv(modeEnv) {
	case "serve":
		serve.Main(tiny{})
	case "rubbish":
		fmt.Println("hello")
		time.Sleep(time.Minute)
	case "hang":
		time.Sleep(time.Minute)
	case "die":
		fmt.Fprintln(os.Stderr, "no such luck")
		os.Exit(3)
	default:
		os.Exit(m.Run())
	}
}

// tiny is a backend whose builds wait for their end.
type tiny struct{}

func (tiny) Describe(context.Context, *backendv1.DescribeRequest) (*backendv1.DescribeResponse, error) {
	return &backendv1.DescribeResponse{Tools: []*irv1.KeyValue{{Key: "dir", Value: here()}, {Key: "env", Value: strings.Join(os.Environ(), "\n")}}}, nil
}

func here() string {
	dir, _ := os.Getwd()
	return dir
}

func (tiny) Build(ctx context.Context, _ *backendv1.Start, job backend.Job) (*backendv1.Artifact, error) {
	fmt.Fprintln(os.Stderr, "building")
	job.StepStarted(&backendv1.StepRef{}, "wait")
	<-ctx.Done()
	return nil, ctx.Err()
}

func options(t *testing.T, mode string) Options {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Options{Path: self, Env: []string{modeEnv + "=" + mode}}
}

func started(t *testing.T) *Process {
	t.Helper()
	p, err := Start(t.Context(), options(t, "serve"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func TestStart(t *testing.T) {
	p := started(t)
	d, err := p.Client.Describe(t.Context(), &backendv1.DescribeRequest{})
	if err != nil {
		t.Fatal(err)
	}
	dir, env := d.GetTools()[0].GetValue(), d.GetTools()[1].GetValue()
	if dir == here() || strings.Contains(env, "PATH=") || !strings.Contains(env, "ZLAYER_BACKEND_PLUGIN=backend-v1") {
		t.Errorf("it runs in %s with\n%s", dir, env)
	}
	socket, err := Address(p.Line)
	if err != nil || p.Took <= 0 {
		t.Errorf("%s: %v, after %v", p.Line, err, p.Took)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if code, ok := p.Exited(0); !ok || code != 0 {
		t.Errorf("exit code %d, %t", code, ok)
	}
	if _, err := os.Stat(filepath.Dir(socket)); err == nil {
		t.Error("the folder of the socket is left")
	}
	if p.Stdout() != "" {
		t.Errorf("stdout: %q", p.Stdout())
	}
}

func TestLifeline(t *testing.T) {
	p := started(t)
	stream, err := p.Client.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	start := &backendv1.Start{JobId: "1", Build: &irv1.ResolvedBuild{Kind: &irv1.ResolvedBuild_Wasm{Wasm: &irv1.ResolvedWasm{}}}}
	if err := stream.Send(&backendv1.BuildRequest{Message: &backendv1.BuildRequest_Start{Start: start}}); err != nil {
		t.Fatal(err)
	}
	if e, err := stream.Recv(); err != nil || e.GetStepStarted().GetName() != "wait" {
		t.Fatalf("%v, %v", e, err)
	}
	p.CutLifeline()
	if code, ok := p.Exited(5 * time.Second); !ok || code != 0 {
		t.Errorf("exit code %d, %t", code, ok)
	}
	if !strings.Contains(p.Stderr(), "building") {
		t.Errorf("stderr: %q", p.Stderr())
	}
}

func TestKillAndStop(t *testing.T) {
	p := started(t)
	p.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := p.Client.Describe(ctx, &backendv1.DescribeRequest{}); err == nil {
		t.Error("a stopped process answers")
	}
	p.Continue()
	if _, err := p.Client.Describe(t.Context(), &backendv1.DescribeRequest{}); err != nil {
		t.Errorf("one that goes on does not: %v", err)
	}
	p.Kill()
	if code, ok := p.Exited(5 * time.Second); !ok || code != -1 {
		t.Errorf("exit code %d, %t", code, ok)
	}
	if _, err := p.Client.Describe(t.Context(), &backendv1.DescribeRequest{}); !Lost(err) {
		t.Errorf("a dead process answers %v", err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

func TestStartErrors(t *testing.T) {
	for _, test := range []struct {
		mode, reason string
		code         int
	}{
		{"rubbish", `no handshake: "hello"`, -1},
		{"hang", "no handshake line within", -1},
		{"die", "ended before", 3},
		{"serve", "ended before", 1}, // without the cookie
	} {
		t.Run(test.mode, func(t *testing.T) {
			t.Parallel()
			o := options(t, test.mode)
			o.NoCookie = test.mode == "serve"
			if test.mode == "hang" {
				o.Handshake = 300 * time.Millisecond
			}
			_, err := Start(t.Context(), o)
			var e *StartError
			if !errors.As(err, &e) || e.Code != test.code || !strings.Contains(e.Reason, test.reason) {
				t.Errorf("got %+v", err)
			}
			if test.code > 0 && e.Stderr == "" {
				t.Error("stderr is empty")
			}
		})
	}
	if _, err := Start(t.Context(), Options{Path: "/does/not/exist"}); err == nil {
		t.Error("what does not exist was started")
	}
}

func TestAddress(t *testing.T) {
	for line, want := range map[string]string{
		"1|1|unix|/tmp/a|grpc": "", "1|1|unix|/tmp/a|grpc||true": "",
		"": "no handshake", "2|1|unix|/tmp/a|grpc": "handshake protocol", "1|2|unix|/tmp/a|grpc": "backend protocol",
		"1|1|tcp|127.0.0.1:1|grpc": "not a unix socket", "1|1|unix|a|grpc": "not a unix socket", "1|1|unix|/tmp/a|netrpc": "not grpc",
	} {
		_, err := Address(line)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", line, err)
		}
	}
}
