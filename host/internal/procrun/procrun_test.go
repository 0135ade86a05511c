// SPDX-License-Identifier: Apache-2.0

//go:build unix

package procrun

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zlayer/zlayer/host/internal/confine"
	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/backend/serve"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// modeEnv makes the test binary play a backend.
const modeEnv = "PROCRUN_TEST_MODE"

func TestMain(m *testing.M) {
	switch os.Getenv(modeEnv) {
	case "":
		os.Exit(m.Run())
	case "hang":
		select {}
	case "die":
		fmt.Fprintln(os.Stderr, "no such luck")
		os.Exit(3)
	case "killed":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "rubbish":
		fmt.Println("hello, I am not a plugin")
		time.Sleep(time.Minute)
	case "future":
		fmt.Println("1|9|unix|/nowhere|grpc")
		time.Sleep(time.Minute)
	case "host":
		hostMain()
	}
	serve.Main(testBackend{})
}

// testBackend does what the id of the job says.
type testBackend struct{}

func (testBackend) Describe(context.Context, *backendv1.DescribeRequest) (*backendv1.DescribeResponse, error) {
	r := &backendv1.DescribeResponse{}
	for _, kv := range os.Environ() {
		r.Subtracted = append(r.Subtracted, &backendv1.Subtraction{Feature: kv, Reason: "env"})
	}
	return r, nil
}

func (testBackend) Build(ctx context.Context, start *backendv1.Start, job backend.Job) (*backendv1.Artifact, error) {
	ref := &backendv1.StepRef{}
	job.StepStarted(ref, "test")
	if handle, ok := deed(start.GetJobId()); ok {
		return &backendv1.Artifact{Handle: handle}, nil
	}
	switch start.GetJobId() {
	case "ok":
		secret, ok, err := job.Secret(ctx, "token")
		return &backendv1.Artifact{Handle: fmt.Sprintf("%s %v %v", secret, ok, err)}, nil
	case "fail":
		f := backend.Sourcef(ref, "it does not compile")
		f.ExitCode = 7
		return nil, f
	case "crash":
		fmt.Fprintln(os.Stderr, "about to crash")
		os.Exit(9)
	case "stubborn":
		select {}
	case "deaf":
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	case "orphan": // one that keeps our output open, out of reach
		sleep := exec.Command("sleep", "60")
		sleep.Stdout, sleep.Stderr = os.Stdout, os.Stderr
		sleep.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		fmt.Fprintln(os.Stderr, "orphan", sleep.Start(), sleep.Process.Pid)
		os.Exit(9)
	case "child":
		sleep := exec.Command("sleep", "60")
		fmt.Fprintln(os.Stderr, "child", sleep.Start(), sleep.Process.Pid)
		os.Exit(9)
	case "ask and die":
		go func() { _, _, _ = job.Secret(ctx, "token") }()
		time.Sleep(100 * time.Millisecond)
		os.Exit(9)
	}
	<-ctx.Done()
	job.Output(ref, false, []byte("cleaned up"))
	return nil, ctx.Err()
}

// options starts the test binary in a mode.
func options(t *testing.T, mode string) Options {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	return Options{
		ID: "test", Dir: filepath.Dir(self), Allow: []string{modeEnv, "GIVEN_*"},
		Files:   []manifest.File{{Path: filepath.Base(self), Digest: "sha256:" + hex.EncodeToString(sum[:]), Role: manifest.RoleMain}},
		Environ: []string{modeEnv + "=" + mode, "GIVEN_A=1", "SECRET=x", "PATH=" + os.Getenv("PATH")},
	}
}

func started(t *testing.T) *Process {
	t.Helper()
	p, err := Start(t.Context(), options(t, "serve"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// startJob asks for a build that does what the id says.
func startJob(id string) *backendv1.Start {
	wasm := &irv1.ResolvedBuild_Wasm{Wasm: &irv1.ResolvedWasm{Language: "go", Target: "preview1"}}
	return &backendv1.Start{JobId: id, Build: &irv1.ResolvedBuild{Kind: wasm}}
}

// recorder answers every question and keeps all events.
type recorder struct{ events []*backendv1.BuildEvent }

func (r *recorder) Event(e *backendv1.BuildEvent) { r.events = append(r.events, e) }

func (r *recorder) Answer(_ context.Context, ask *backendv1.Ask) *backendv1.Answer {
	return &backendv1.Answer{Secret: []byte("the " + ask.GetSecret())}
}

func TestBuild(t *testing.T) {
	p := started(t)
	r := &recorder{}
	a, err := p.Build(t.Context(), startJob("ok"), r)
	if err != nil || a.GetHandle() != "the token true <nil>" {
		t.Errorf("got %v, %v", a, err)
	}
	if len(r.events) != 1 || r.events[0].GetStepStarted().GetName() != "test" {
		t.Errorf("events: %v", r.events)
	}
	_, err = p.Build(t.Context(), startJob("fail"), r)
	var failed *FailedError
	if !errors.As(err, &failed) || failed.GetExitCode() != 7 || failed.GetMessage() != "it does not compile" {
		t.Errorf("got %v", err)
	}
}

// Only declared variables are passed, and what the protocol needs.
func TestEnvironment(t *testing.T) {
	d, err := started(t).Describe(t.Context(), &backendv1.DescribeRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range d.GetSubtracted() {
		name, _, _ := strings.Cut(s.GetFeature(), "=")
		names = append(names, name)
	}
	all := strings.Join(names, " ")
	if !strings.Contains(all, "GIVEN_A") || strings.Contains(all, "SECRET") || strings.Contains(all, "PATH ") || strings.HasSuffix(all, "PATH") {
		t.Errorf("environment: %s", all)
	}
}

func TestStartErrors(t *testing.T) {
	for _, tc := range []struct {
		mode   string
		reason Reason
		want   string
	}{
		{"hang", TimedOut, "did not start in time"},
		{"die", Died, "exit status 3"},
		{"killed", Died, "signal: killed"},
		{"rubbish", Rubbish, "hello, I am not a plugin"},
		{"future", OtherVersion, "it speaks 9, this zlayer speaks 1"},
	} {
		t.Run(tc.mode, func(t *testing.T) {
			t.Parallel()
			o := options(t, tc.mode)
			if tc.reason == TimedOut {
				o.StartTimeout = 300 * time.Millisecond
			}
			_, err := Start(t.Context(), o)
			var e *StartError
			if !errors.As(err, &e) || e.Reason != tc.reason || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q with %q", err, tc.reason, tc.want)
			}
			if tc.mode == "die" && !strings.Contains(e.Stderr, "no such luck") {
				t.Errorf("stderr: %q", e.Stderr)
			}
		})
	}
}

func TestNotExecutable(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "x"), []byte("not a program"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := Start(t.Context(), Options{ID: "test", Dir: dir, Files: []manifest.File{notAProgram()}})
	var e *StartError
	if !errors.As(err, &e) || e.Reason != NotExecutable {
		t.Errorf("got %v", err)
	}
}

// notAProgram describes a file x that cannot be run.
func notAProgram() manifest.File {
	sum := sha256.Sum256([]byte("not a program"))
	return manifest.File{Path: "x", Digest: "sha256:" + hex.EncodeToString(sum[:]), Role: manifest.RoleMain}
}

// One flipped byte in any file of the plugin, and nothing runs.
func TestTampered(t *testing.T) {
	for _, which := range []string{"main", "worker"} {
		t.Run(which, func(t *testing.T) {
			o := options(t, "serve")
			if which == "worker" {
				o.Dir = "/"
				o.Files[0].Path = strings.TrimPrefix(executable(t), "/")
				o.Files = append(o.Files, manifest.File{Path: "etc/passwd", Digest: o.Files[0].Digest})
			} else {
				o.Files[0].Digest = "sha256:" + strings.Repeat("0", 64)
			}
			_, err := Start(t.Context(), o)
			var e *manifest.ChecksumError
			if !errors.As(err, &e) || e.Want == e.Got || e.Path == "" || e.Plugin != o.ID {
				t.Errorf("got %v", err)
			}
		})
	}
}

func executable(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return self
}

func TestCancelIsToldAndCleansUp(t *testing.T) {
	p := started(t)
	ctx, cancel := context.WithCancel(t.Context())
	r := &recorder{}
	time.AfterFunc(100*time.Millisecond, cancel)
	_, err := p.Build(ctx, startJob("wait"), r)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if n := len(r.events); n != 2 || string(r.events[1].GetOutput().GetData()) != "cleaned up" {
		t.Errorf("events: %v", r.events)
	}
	if _, err := p.Build(t.Context(), startJob("ok"), r); err != nil {
		t.Errorf("the next build: %v", err)
	}
}

func TestCrashInTheMiddle(t *testing.T) {
	p := started(t)
	_, err := p.Build(t.Context(), startJob("crash"), &recorder{})
	var died *DiedError
	if !errors.As(err, &died) || !strings.Contains(died.Stderr, "about to crash") {
		t.Errorf("got %v (%+v)", err, died)
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	p, err := Start(t.Context(), options(t, "serve"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(p.child.ID())
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
	p.Close()
	gone(t, pid)
}

// confinedEnv makes the backend of hostMain a confined one.
const confinedEnv = "PROCRUN_TEST_CONFINED"

// hostMain starts a backend, says its process id, and waits to be killed.
func hostMain() {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	data, err := os.ReadFile(self)
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256(data)
	var bounds *confine.Rules
	if os.Getenv(confinedEnv) != "" {
		bounds = &confine.Rules{}
	}
	p, err := Start(context.Background(), Options{
		Confine: bounds,
		ID:      "test", Dir: filepath.Dir(self), Allow: []string{modeEnv}, Environ: []string{modeEnv + "=serve", "TMPDIR=" + os.Getenv("TMPDIR")},
		Files: []manifest.File{{Path: filepath.Base(self), Digest: "sha256:" + hex.EncodeToString(sum[:]), Role: manifest.RoleMain}},
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(p.child.ID())
	select {}
}

// A killed host leaves no backend and no socket.
func TestHostKilled(t *testing.T) {
	for _, confined := range []string{"", "yes"} {
		t.Run("confined "+confined, func(t *testing.T) { killHost(t, confined) })
	}
}

func killHost(t *testing.T, confined string) {
	temp := t.TempDir()
	host := exec.Command(executable(t))
	host.Env = []string{modeEnv + "=host", "TMPDIR=" + temp, confinedEnv + "=" + confined}
	host.Stderr = os.Stderr
	out, err := host.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(out, &pid); err != nil {
		t.Fatal(err)
	}
	if err := host.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = host.Wait()
	gone(t, pid)
	entries, err := os.ReadDir(temp)
	if err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v (%v)", entries, err)
	}
}

// gone waits until a process has ended; two seconds are promised.
func gone(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			return
		}
	}
	t.Errorf("process %d is still there", pid)
}

// BenchmarkStart is the time from nothing to the first answer.
func BenchmarkStart(b *testing.B) {
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	data, err := os.ReadFile(self)
	if err != nil {
		b.Fatal(err)
	}
	sum := sha256.Sum256(data)
	o := Options{
		ID: "test", Dir: filepath.Dir(self), Allow: []string{modeEnv}, Environ: []string{modeEnv + "=serve"},
		Files: []manifest.File{{Path: filepath.Base(self), Digest: "sha256:" + hex.EncodeToString(sum[:]), Role: manifest.RoleMain}},
	}
	for b.Loop() {
		p, err := Start(b.Context(), o)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := p.Describe(b.Context(), &backendv1.DescribeRequest{}); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		p.Close()
		b.StartTimer()
	}
}
