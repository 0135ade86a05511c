// SPDX-License-Identifier: Apache-2.0

//go:build system

package supervisor_test

import (
	"bytes"
	"context"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

// helperDir makes TestServer the server of TestServerKilled, in this folder.
const helperDir = "ZLAYER_TEST_SERVER_DIR"

// sleeper is a build that starts processes and waits.
func (r *rig) sleeper() {
	r.stage(r.busybox(), exec(sh("echo x >/dirty; (sleep 1000 & sleep 1000) & echo started; sleep 1000")))
}

// TestServer is not a test by itself.
func TestServer(t *testing.T) {
	dir := os.Getenv(helperDir)
	if dir == "" {
		return
	}
	r := newRigIn(t, dir)
	r.sleeper()
	rec := &record{rig: r, seen: func(line string) {
		if strings.Contains(line, "started") {
			must(t, os.WriteFile(filepath.Join(dir, "started"), nil, 0o644))
		}
	}}
	r.Build(context.Background(), r.start(), rec)
}

func TestServerKilled(t *testing.T) {
	r := newRig(t)
	dir := filepath.Dir(r.state)
	self, err := os.Executable()
	must(t, err)
	server := osexec.Command(self, "-test.run=^TestServer$")
	server.Env = append(os.Environ(), helperDir+"="+dir)
	must(t, server.Start())
	eventually(t, "the command started", func() bool {
		_, err := os.Stat(filepath.Join(dir, "started"))
		return err == nil
	})
	must(t, server.Process.Kill())
	server.Wait()
	eventually(t, "all processes are gone", func() bool { return processes(r.state) == "" })
	must(t, r.Recover(context.Background(), &backendv1.RecoverRequest{StateDir: r.state, JobIds: []string{"TestServer/1", "never was"}}))
	r.wantNothingLeft()
	must(t, r.Recover(context.Background(), &backendv1.RecoverRequest{StateDir: r.state, JobIds: []string{"TestServer/1"}}))
}

func TestWorkerKilled(t *testing.T) {
	r := newRig(t)
	r.sleeper()
	rec := &record{rig: r, seen: func(line string) {
		if strings.Contains(line, "started") {
			killWorker(t)
		}
	}}
	_, err := r.Build(context.Background(), r.start(), rec)
	if err == nil || !strings.Contains(err.Error(), "worker ended") {
		t.Errorf("error is %v", err)
	}
	eventually(t, "all processes are gone", func() bool { return processes(r.state) == "" })
	r.wantNothingLeft()
	r.container.Stages[0].Steps[0] = exec(sh("echo fine >/fine"))
	_, files := r.mustBuild()
	files.want(t, `0 0644 0:0 fine "fine\n"`)
}

// killWorker kills the child of this process that builds.
func killWorker(t testing.TB) {
	all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range all {
		line, _ := os.ReadFile(file)
		stat, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "stat"))
		fields := bytes.Fields(stat)
		if !bytes.HasSuffix(line, []byte("\x00build\x00")) || len(fields) < 4 || string(fields[3]) != strconv.Itoa(os.Getpid()) {
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		must(t, syscall.Kill(pid, syscall.SIGKILL))
		return
	}
	t.Error("there is no worker")
}

// eventually waits for something that happens within moments, if ever.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited for too long until %s", what)
		}
	}
}

func TestFallbackToCopies(t *testing.T) {
	if os.Getenv(userEnv) != "" {
		return // only root can mount a state folder that carries no overlay
	}
	r := newRig(t)
	lower := t.TempDir()
	upper := filepath.Join(lower, "upper")
	must(t, os.MkdirAll(upper, 0o755))
	must(t, os.MkdirAll(filepath.Join(lower, "work"), 0o755))
	must(t, os.MkdirAll(filepath.Join(lower, "lower"), 0o755))
	options := "lowerdir=" + lower + "/lower,upperdir=" + upper + ",workdir=" + lower + "/work"
	must(t, syscall.Mount("overlay", r.state, "overlay", 0, options))
	defer syscall.Unmount(r.state, syscall.MNT_DETACH)

	base := r.busybox()
	first := r.stage(base, exec(sh("echo 1 >/one; rm /srv/owned")))
	r.stage(base, copyTo(first, "/", "one"), workdir("/w", "web"), exec(sh("cat /one >/two")))
	_, files := r.mustBuild()
	files.want(t, `0 0644 0:0 one "1\n"`, `0 0644 0:0 two "1\n"`, "5 0755 33:34 w")
	if o, _ := r.mustBuild(); o.cached() != 4 {
		t.Errorf("steps are %v", o.steps)
	}
}
