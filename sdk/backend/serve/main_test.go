// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/hashicorp/go-plugin"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/backendv1/backendv1grpc"
)

// TestMain is also the main function of a backend, whose builds run until they
// are cancelled and then leave a note in the job's folder.
func TestMain(m *testing.M) {
	if os.Getenv("BACKEND_TEST_MAIN") == "" {
		os.Exit(m.Run())
	}
	Main(builder(func(ctx context.Context, s *backendv1.Start, j backend.Job) (*backendv1.Artifact, error) {
		fmt.Println("a stray print")
		j.StepStarted(nil, fmt.Sprintf("lifeline %q", os.Getenv(LifelineEnv)))
		<-ctx.Done()
		return nil, os.WriteFile(filepath.Join(s.GetTempDir(), "cleaned"), nil, 0o600)
	}))
}

// process is a backend process, started as a host does it but without
// go-plugin's client.
type process struct {
	cmd    *exec.Cmd
	stderr bytes.Buffer
	// line is the handshake.
	line string
	// host is the end of the lifeline that a host keeps.
	host *os.File
	dir  string
}

func startProcess(t *testing.T) *process {
	t.Helper()
	dir, err := os.MkdirTemp("", "z") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.Command(os.Args[0]), host: w, dir: dir}
	p.cmd.Env = []string{"BACKEND_TEST_MAIN=1", cookieKey + "=" + cookieValue, LifelineEnv + "=3",
		plugin.EnvUnixSocketDir + "=" + dir, "PLUGIN_PROTOCOL_VERSIONS=1"}
	p.cmd.ExtraFiles = []*os.File{r}
	p.cmd.Stderr = &p.stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	p.line, err = bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("no handshake: %v", err)
	}
	return p
}

// build starts a build and returns after its first event.
func (p *process) build(t *testing.T, dir string) *backendv1.BuildEvent {
	t.Helper()
	parts := strings.Split(strings.TrimSpace(p.line), "|")
	if len(parts) < 5 || parts[0] != "1" || parts[1] != "1" || parts[2] != "unix" || parts[4] != "grpc" {
		t.Fatalf("handshake %q", p.line)
	}
	conn, err := grpc.NewClient("unix:"+parts[3], append(DialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	stream, err := backendv1grpc.NewBackendClient(conn).Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r := startRequest()
	r.GetStart().TempDir = dir
	if err := stream.Send(r); err != nil {
		t.Fatal(err)
	}
	e, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestMainEndsItsJobsWhenTheHostDies(t *testing.T) {
	p, dir := startProcess(t), t.TempDir()
	if e := p.build(t, dir); e.GetStepStarted().GetName() != `lifeline ""` {
		t.Errorf("the job sees %v", e)
	}
	if err := p.host.Close(); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("the backend ended with %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "cleaned")); err != nil {
		t.Errorf("the job did not clean up: %v", err)
	}
	if _, err := os.Stat(p.dir); !os.IsNotExist(err) {
		t.Errorf("the folder of the socket is still there: %v", err)
	}
	if !strings.Contains(p.stderr.String(), "a stray print") {
		t.Errorf("stderr is %q", p.stderr.String())
	}
}

func TestMainRunByHand(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{"BACKEND_TEST_MAIN=1"}
	out, err := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(string(out), "zlayer backend") {
		t.Fatalf("code %d, %v: %s", code, err, out)
	}
}

func TestMainRefusesABrokenLifeline(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{"BACKEND_TEST_MAIN=1", cookieKey + "=" + cookieValue, LifelineEnv + "=three"}
	out, _ := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(string(out), LifelineEnv) {
		t.Fatalf("code %d: %s", code, out)
	}
}
