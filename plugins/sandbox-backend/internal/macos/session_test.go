// SPDX-License-Identifier: Apache-2.0

package macos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// backendVariable makes the test binary a backend that runs a command in a
// folder until it is killed.
const backendVariable = "ZLAYER_TEST_BACKEND"

func TestMain(m *testing.M) {
	keepMain(processes)
	if dir := os.Getenv(backendVariable); dir != "" {
		_, err := sessionIn(dir, "sleep 60 & sleep 60", nil).run(context.Background())
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// sessionIn is a shell command that has a folder below dir as its root.
func sessionIn(dir, script string, output func(stderr bool, data []byte)) *session {
	root := filepath.Join(dir, "root")
	return &session{
		argv: []string{"/bin/sh", "-c", script}, env: environment([]string{"PATH=/usr/bin:/bin"}, root, dir),
		dir: dir, root: root, list: processes, output: output,
	}
}

// running counts the processes of commands whose roots are below a folder.
func running(t *testing.T, dir string) (n int) {
	t.Helper()
	f := family{mark: func(root string) bool { return strings.HasPrefix(root, dir+"/") }}
	all, err := processes()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if f.has(p) {
			n++
		}
	}
	return n
}

// tempDir is a temporary folder without links in its path.
func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := realPath(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestSession(t *testing.T) {
	var out, errs bytes.Buffer
	s := sessionIn(tempDir(t), "pwd; echo oops >&2; read x; exit 3", func(stderr bool, data []byte) {
		if stderr {
			errs.Write(data)
		} else {
			out.Write(data)
		}
	})
	code, err := s.run(t.Context())
	if err != nil || code != 3 || out.String() != s.dir+"\n" || errs.String() != "oops\n" {
		t.Errorf("%d, %v; it wrote %q and %q", code, err, out.String(), errs.String())
	}
	s.argv = []string{"/bin/sh", "-c", "kill -KILL $$"}
	if code, err := s.run(t.Context()); err != nil || code != 128+9 {
		t.Errorf("killed: %d, %v", code, err)
	}
	s.argv = []string{"/nowhere/tool"}
	if _, err := s.run(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no such tool: %v", err)
	}
}

// Whatever a command leaves running ends with it: in its process group, in
// another one, and in a session of its own.
func TestLeftovers(t *testing.T) {
	dir := tempDir(t)
	start := time.Now()
	s := sessionIn(dir, `sleep 60 & set -m; sleep 60 & (setsid sleep 60 || perl -MPOSIX -e 'fork && exit; setsid; sleep 60') 2>/dev/null & sleep 0.2`, nil)
	if code, err := s.run(t.Context()); err != nil || code != 0 {
		t.Errorf("%d, %v", code, err)
	}
	if n := running(t, dir); n > 0 || time.Since(start) > 30*time.Second {
		t.Errorf("after %v %d processes are left", time.Since(start), n)
	}
}

func TestCancel(t *testing.T) {
	dir := tempDir(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	start := time.Now()
	s := sessionIn(dir, "echo started; sleep 60 & sleep 60", func(bool, []byte) { cancel() })
	if _, err := s.run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if n := running(t, dir); n > 0 || time.Since(start) > 30*time.Second {
		t.Errorf("after %v %d processes are left", time.Since(start), n)
	}
}

// until waits for something.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("in a minute: " + what)
		}
	}
}

// startBackend starts a backend that runs a command, and waits until it does.
func startBackend(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), backendVariable+"="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "the command does not start", func() bool { return running(t, dir) >= 2 })
	return cmd
}

// A backend that is killed cannot end its command; its keeper does.
func TestBackendKilled(t *testing.T) {
	dir := tempDir(t)
	cmd := startBackend(t, dir)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // that it was killed is known
	until(t, "the command goes on", func() bool { return running(t, dir) == 0 })
}

// What a backend left is removed by the next one: processes, if even the keeper
// was killed, and files.
func TestRecover(t *testing.T) {
	job := filepath.Join(tempDir(t), "job")
	left := filepath.Join(job, dirRoot, "locked")
	if err := os.MkdirAll(left, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(left, 0); err != nil {
		t.Fatal(err)
	}
	cmd := startBackend(t, job)
	defer cmd.Wait()
	r := runner{list: processes}
	for range 2 {
		if err := r.Recover(t.Context(), job); err != nil {
			t.Fatal(err)
		}
	}
	if n := running(t, job); n > 0 {
		t.Errorf("%d processes are left", n)
	}
	if _, err := os.Lstat(job); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("files are left: %v", err)
	}
	_ = cmd.Process.Kill()
}
