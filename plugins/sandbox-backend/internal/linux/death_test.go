// SPDX-License-Identifier: Apache-2.0

//go:build system && linux

package linux

import (
	"bytes"
	"context"
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

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/driver"
)

// within is how soon everything of a command is gone.
const within = 2 * time.Second

// nap is a number of seconds to sleep that no other test has, and by which its
// processes are found.
func nap(r *rig) string { return fmt.Sprintf("%d%05d", 10000+r.next(), os.Getpid()%100000) }

// stubborn starts processes that ignore what can be ignored, in a session of
// their own too, and says when.
func stubborn(nap string) string {
	return `trap '' TERM HUP INT QUIT; mkdir /dirty; chmod 0 /dirty; echo x >/dirty/file
(trap '' TERM; setsid sleep ` + nap + ` & exec sleep ` + nap + `) & sleep ` + nap + ` & echo started; exec sleep ` + nap
}

// processes are those that have a word in their arguments.
func processes(t testing.TB, word string) []int {
	t.Helper()
	var out []int
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	must(t, err)
	for _, name := range lines {
		line, _ := os.ReadFile(name)
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if bytes.Contains(line, []byte(word)) && pid != os.Getpid() {
			out = append(out, pid)
		}
	}
	return out
}

// wantGone waits until no process has a word, and no mount is of the rig.
func (r *rig) wantGone(word string) {
	r.t.Helper()
	deadline := time.Now().Add(within)
	left := processes(r.t, word)
	for len(left) > 0 && time.Now().Before(deadline) {
		time.Sleep(5 * time.Millisecond)
		left = processes(r.t, word)
	}
	if len(left) > 0 {
		r.t.Errorf("after %v there are still processes %v", within, left)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	must(r.t, err)
	if bytes.Contains(mounts, []byte(r.dir)) {
		r.t.Errorf("there are mounts left:\n%s", mounts)
	}
}

// begin runs a stubborn command until it has started.
func (r *rig) begin(ctx context.Context, nap string, changes ...with) (c driver.Command, ended chan error) {
	r.t.Helper()
	c = r.command([]string{"/bin/sh", "-c", stubborn(nap)}, changes...)
	started, ended := make(chan bool, 1), make(chan error, 1)
	c.Output = func(bool, []byte) {
		select {
		case started <- true:
		default:
		}
	}
	go func() {
		_, err := r.driver.Run(ctx, c)
		ended <- err
	}()
	select {
	case <-started:
	case err := <-ended:
		r.t.Fatalf("the command ended: %v", err)
	}
	awaitProcesses(r.t, nap, 3)
	return c, ended
}

// wantEmpty wants that nothing is in the temporary folder.
func wantEmpty(t testing.TB, temp string) {
	t.Helper()
	names, err := contents(temp)
	must(t, err)
	if len(names) > 0 {
		t.Errorf("left behind: %q", names)
	}
}

func TestCancel(t *testing.T) {
	r := newRig(t)
	r.ok("true")
	nap := nap(r)
	ctx, cancel := context.WithCancel(context.Background())
	c, ended := r.begin(ctx, nap)
	cancel()
	began := time.Now()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	if took := time.Since(began); took > within {
		t.Errorf("it took %v", took)
	}
	r.wantGone(nap)
	wantEmpty(t, c.Temp)
	r.run("echo x >/x").want(t, "x")
}

// inner is the process of this test's own that a command is in.
func inner(t testing.TB) int {
	t.Helper()
	for _, pid := range processes(t, innerName) {
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if fields := bytes.Fields(stat); len(fields) > 3 && string(fields[3]) == strconv.Itoa(os.Getpid()) {
			return pid
		}
	}
	t.Fatal("there is no inner process")
	return 0
}

func TestInnerKilled(t *testing.T) {
	r := newRig(t)
	nap := nap(r)
	c, ended := r.begin(context.Background(), nap)
	must(t, syscall.Kill(inner(t), syscall.SIGKILL))
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "signal: killed") {
		t.Errorf("error is %v", err)
	}
	r.wantGone(nap)
	wantEmpty(t, c.Temp)
	r.run("echo x >/x").want(t, "x")
}

func TestCommandKilled(t *testing.T) {
	r := newRig(t)
	nap := nap(r)
	c, ended := r.begin(context.Background(), nap)
	for _, pid := range processes(t, nap) {
		syscall.Kill(pid, syscall.SIGKILL)
	}
	var exit *driver.ExitError
	if err := <-ended; !errors.As(err, &exit) || exit.Code != 137 {
		t.Errorf("error is %v", err)
	}
	r.wantGone(nap)
	wantEmpty(t, c.Temp)
}

// helperDir makes TestHelper the backend of TestBackendKilled, in this folder.
const helperDir = "ZLAYER_TEST_DIR"

// TestHelper is not a test by itself.
func TestHelper(t *testing.T) {
	dir := os.Getenv(helperDir)
	if dir == "" {
		return
	}
	r := newRigIn(t, dir)
	c := r.command([]string{"/bin/sh", "-c", stubborn(os.Getenv("NAP"))})
	c.Output = func(_ bool, data []byte) { os.Stdout.Write(data) }
	_, err := r.driver.Run(context.Background(), c)
	t.Fatal(err)
}

// awaitProcesses waits until so many processes of a command run.
func awaitProcesses(t testing.TB, nap string, n int) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); len(processes(t, nap)) < n; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the command has not started")
		}
	}
}

// The backend is killed at different moments of a command's life.
func TestBackendKilled(t *testing.T) {
	self, err := os.Executable()
	must(t, err)
	for _, after := range []time.Duration{0, 20 * time.Millisecond, 40 * time.Millisecond, 80 * time.Millisecond, -1} {
		t.Run(after.String(), func(t *testing.T) {
			r := newRig(t)
			nap := nap(r)
			helper := filepath.Join(r.dir, "helper")
			must(t, os.Mkdir(helper, 0o700))
			cmd := exec.Command(self, "-test.run=^TestHelper$")
			cmd.Env = append(os.Environ(), helperDir+"="+helper, "NAP="+nap, testerEnv+"="+tester(t))
			out, err := cmd.StdoutPipe()
			must(t, err)
			must(t, cmd.Start())
			if after < 0 {
				_, err := out.Read(make([]byte, len("started\n")))
				must(t, err)
				awaitProcesses(t, nap, 3)
			}
			time.Sleep(after)
			must(t, cmd.Process.Kill())
			cmd.Wait()
			r.wantGone(nap)
			r.wantGone(helper)
			must(t, r.driver.Recover(context.Background(), helper))
			must(t, r.driver.Recover(context.Background(), helper))
			wantEmpty(t, helper)
			must(t, os.Remove(helper))
		})
	}
}
