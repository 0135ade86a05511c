// SPDX-License-Identifier: Apache-2.0

package confine_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zlayer/zlayer/host/internal/confine"
)

// hostileEnv makes the test binary do one thing that it may not be allowed to.
const hostileEnv = "CONFINE_TEST_HOSTILE"

// exitRefused is the exit code of a deed that the kernel refused.
const exitRefused = 77

func TestMain(m *testing.M) {
	deed := os.Getenv(hostileEnv)
	if deed == "" {
		os.Exit(m.Run())
	}
	err := hostile(strings.Fields(deed))
	switch {
	case err == nil:
		os.Exit(0)
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM), errors.Is(err, unix.EXDEV):
		os.Exit(exitRefused)
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// hostile does what it is told.
func hostile(deed []string) error {
	what := deed[1]
	switch deed[0] {
	case "read":
		_, err := os.ReadFile(what)
		return err
	case "list":
		_, err := os.ReadDir(what)
		return err
	case "write":
		return os.WriteFile(what, []byte("hostile"), 0o600)
	case "truncate":
		return os.Truncate(what, 0)
	case "mkdir":
		return os.Mkdir(what, 0o700)
	case "remove":
		return os.Remove(what)
	case "rename":
		return os.Rename(what, deed[2])
	case "link":
		return os.Link(what, deed[2])
	case "device":
		return unix.Mknod(what, unix.S_IFBLK|0o600, int(unix.Mkdev(8, 0)))
	case "run":
		cmd := exec.Command(what)
		cmd.Env = []string{hostileEnv + "=nothing more"}
		return cmd.Run()
	case "child": // what a confined process starts is confined
		self, err := os.Executable()
		if err != nil {
			return err
		}
		cmd := exec.Command(self)
		cmd.Env = []string{hostileEnv + "=" + strings.Join(deed[1:], " ")}
		if err := cmd.Run(); cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != exitRefused {
			return err
		}
		return unix.EACCES
	case "connect":
		return closed(net.Dial("tcp", what))
	case "abstract":
		return closed(net.Dial("unix", "@"+what))
	case "packets":
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
		_ = unix.Close(fd)
		return err
	case "nothing":
		return nil
	}
	return hostileTo(deed[0], what)
}

// hostileTo does something to another process.
func hostileTo(deed, process string) error {
	pid, err := strconv.Atoi(process)
	if err != nil {
		return err
	}
	switch deed {
	case "signal":
		return unix.Kill(pid, 0)
	case "trace":
		runtime.LockOSThread()
		return unix.PtraceAttach(pid)
	case "environ":
		_, err := os.ReadFile(filepath.Join("/proc", process, "environ"))
		return err
	}
	return fmt.Errorf("nobody knows how to %s", deed)
}

func closed(c net.Conn, err error) error {
	if err == nil {
		return c.Close()
	}
	return err
}

// try has a confined process do something, and says whether it could.
func try(t *testing.T, r confine.Rules, deed string) (could bool) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	var said bytes.Buffer
	cmd.Env, cmd.Stderr = []string{hostileEnv + "=" + deed}, &said
	if err := confine.Start(cmd, r.With(confine.Rules{Read: []string{filepath.Dir(self)}})); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil && cmd.ProcessState.ExitCode() != exitRefused {
		t.Fatalf("%s: %v: %s", deed, err, said.String())
	}
	return cmd.ProcessState.Success()
}

// place makes a folder with a file and an empty folder in it.
func place(t *testing.T) (dir string) {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "confine")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"file", "sub/file"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Each deed is done to a folder: with no rule about it, read only, to write, and to remove
// what is empty.
func TestFiles(t *testing.T) {
	for _, tt := range []struct {
		deed                     string
		none, read, write, rmdir bool
	}{
		{"read D/file", false, true, true, false},
		{"read D/sub/file", false, true, true, false},
		{"list D", false, true, true, false},
		{"run D/file", false, true, true, false},
		{"child read D/file", false, true, true, false},
		{"write D/file", false, false, true, false},
		{"write D/new", false, false, true, false},
		{"truncate D/file", false, false, true, false},
		{"mkdir D/new", false, false, true, false},
		{"remove D/file", false, false, true, false},
		{"rename D/file D/sub/new", false, false, true, false},
		{"link D/file D/sub/new", false, false, true, false},
		{"remove D/empty", false, false, true, true},
		{"device D/new", false, false, false, false},
		{"read /etc/hosts", true, true, true, true},
		{"write /dev/null", true, true, true, true},
		{"write /etc/confine-test", false, false, false, false},
		{"write /tmp/confine-test", false, false, false, false},
	} {
		for which, want := range map[string]bool{"none": tt.none, "read": tt.read, "write": tt.write, "rmdir": tt.rmdir} {
			t.Run(strings.ReplaceAll(tt.deed, "/", "-")+" "+which, func(t *testing.T) {
				dir := place(t)
				rules := map[string]confine.Rules{"read": {Read: []string{dir}}, "write": {Write: []string{dir}}, "rmdir": {Rmdir: []string{dir}}}[which]
				if got := try(t, rules, strings.ReplaceAll(tt.deed, "D", dir)); got != want {
					t.Errorf("it could: %t", got)
				}
			})
		}
	}
}

// Where a link leads counts, whether in a rule or in the way of the process.
func TestLinks(t *testing.T) {
	dir, outside := place(t), place(t)
	for name, to := range map[string]string{"out": outside, "in": dir} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if try(t, confine.Rules{Read: []string{dir}}, "read "+dir+"/out/file") {
		t.Error("a link led out")
	}
	if !try(t, confine.Rules{Read: []string{filepath.Join(dir, "in")}}, "read "+dir+"/file") {
		t.Error("the target of a link was not allowed")
	}
	if !try(t, confine.Rules{Read: []string{filepath.Join(dir, "file")}}, "read "+dir+"/file") {
		t.Error("a single file was not allowed")
	}
	if try(t, confine.Rules{Read: []string{filepath.Join(dir, "missing"), filepath.Join(dir, "file", "below")}}, "read "+dir+"/file") {
		t.Error("what is missing allowed something")
	}
}

func TestNetwork(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, network := range []bool{false, true} {
		if got := try(t, confine.Rules{Network: network}, "connect "+l.Addr().String()); got != network {
			t.Errorf("with the network %t, it could connect: %t", network, got)
		}
	}
}

// A process outside is out of reach.
func TestProcesses(t *testing.T) {
	name := "confine-test-" + strconv.Itoa(os.Getpid())
	l, err := net.Listen("unix", "@"+name)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	sleep := exec.Command("sleep", "600")
	if err := sleep.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = sleep.Process.Kill(), sleep.Wait() }()
	pid := strconv.Itoa(sleep.Process.Pid)
	for _, deed := range []string{"signal " + pid, "trace " + pid, "environ " + pid, "abstract " + name, "packets all"} {
		if try(t, confine.Rules{Network: true}, deed) {
			t.Errorf("it could %s", deed)
		}
	}
}

// However often something is started, and from whatever thread, this process
// stays as it was.
func TestHostIsNotConfined(t *testing.T) {
	dir := place(t)
	secret := filepath.Join(dir, "file")
	before := threadsConfined(t)
	for range 100 {
		if try(t, confine.Rules{}, "nothing more") != true {
			t.Fatal("it could not even do nothing")
		}
	}
	done := make(chan error, 50)
	for range cap(done) { // as many threads as it takes to meet one that is confined
		go func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			_, err := os.ReadFile(secret)
			done <- err
		}()
	}
	for range cap(done) {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	deadline := time.Now().Add(10 * time.Second) // a thread ends a little after its work is done
	for threadsConfined(t) != before {
		if time.Now().After(deadline) {
			t.Fatalf("%d threads are confined, before it were %d", threadsConfined(t), before)
		}
		runtime.Gosched()
	}
}

// threadsConfined counts the threads of this process that gave up new
// privileges, as confined ones do.
func threadsConfined(t *testing.T) (n int) {
	t.Helper()
	files, err := filepath.Glob("/proc/self/task/*/status")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		status, err := os.ReadFile(file)
		if err == nil && bytes.Contains(status, []byte("NoNewPrivs:\t1")) {
			n++
		}
	}
	return n
}

func TestAvailable(t *testing.T) {
	if abi, why := confine.Available(); (abi == 0) != (why != "") {
		t.Errorf("version %d, because %q", abi, why)
	}
}

func TestCommandThatIsNotThere(t *testing.T) {
	if err := confine.Start(exec.Command("/nonexistent/program"), confine.Rules{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
