// SPDX-License-Identifier: Apache-2.0

//go:build unix

package toolchain_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zlayer/zlayer/sdk/toolchain"
)

// backendEnv makes the test binary play a backend that runs a shell script.
const backendEnv = "TOOLCHAIN_TEST_BACKEND"

func TestMain(m *testing.M) {
	toolchain.Guard()
	if script := os.Getenv(backendEnv); script != "" {
		_ = toolchain.Run(context.Background(), shell(script))
		return
	}
	os.Exit(m.Run())
}

func shell(script string) toolchain.Command {
	return toolchain.Command{Path: "/bin/sh", Args: []string{"-c", script}, Env: []string{"PATH=" + os.Getenv("PATH")}}
}

// lines runs a script and returns what it wrote.
func lines(t *testing.T, c toolchain.Command) (stdout, stderr []string, err error) {
	t.Helper()
	c.Stdout = func(line []byte) { stdout = append(stdout, string(line)) }
	c.Stderr = func(line []byte) { stderr = append(stderr, string(line)) }
	err = toolchain.Run(t.Context(), c)
	return stdout, stderr, err
}

func TestOutput(t *testing.T) {
	stdout, stderr, err := lines(t, shell(`printf 'a\nb'; printf c; printf '\nend'; echo oops >&2`))
	if want := []string{"a\n", "bc\n", "end"}; !slices.Equal(stdout, want) {
		t.Errorf("stdout %q, want %q", stdout, want)
	}
	if want := []string{"oops\n"}; !slices.Equal(stderr, want) {
		t.Errorf("stderr %q, want %q", stderr, want)
	}
	if err != nil {
		t.Error(err)
	}
}

func TestOutputWithoutNewlineIsBounded(t *testing.T) {
	stdout, _, err := lines(t, shell("head -c 3000000 /dev/zero"))
	if err != nil || len(stdout) != 3 || len(stdout[0]) != 1<<20 {
		t.Errorf("%d pieces, %v", len(stdout), err)
	}
}

func TestEnvironmentAndFolder(t *testing.T) {
	c := shell("pwd; env | grep -v -E '^(_|PWD|SHLVL|OLDPWD|PATH)='; cat")
	c.Dir = t.TempDir()
	c.Env = append(c.Env, "A=b")
	stdout, _, err := lines(t, c)
	if want := []string{c.Dir + "\n", "A=b\n"}; err != nil || !slices.Equal(stdout, want) {
		t.Errorf("%q, %v; want %q", stdout, err, want)
	}
}

func TestTemporaryFilesAreRemoved(t *testing.T) {
	for _, end := range []string{"", "; exit 1", "; kill -9 $$"} {
		c := shell(`echo "$TMPDIR"; echo left > "$TMPDIR/file"` + end)
		c.Temp = t.TempDir()
		stdout, _, err := lines(t, c)
		if (err != nil) != (end != "") || len(stdout) != 1 || !strings.HasPrefix(stdout[0], c.Temp+"/") {
			t.Errorf("%q, %v", stdout, err)
		}
		if left, err := os.ReadDir(c.Temp); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	}
}

func TestExitCodes(t *testing.T) {
	for _, test := range []struct {
		command toolchain.Command
		code    int
	}{
		{shell("exit 3"), 3},
		{shell("kill -TERM $$"), 128 + int(syscall.SIGTERM)},
		{toolchain.Command{Path: "/nonexistent/program"}, 127},
	} {
		err := toolchain.Run(t.Context(), test.command)
		if exit := (*toolchain.ExitError)(nil); !errors.As(err, &exit) || exit.Code != test.code {
			t.Errorf("%v: %v, want exit code %d", test.command.Args, err, test.code)
		}
	}
}

// familyScript starts a child that would outlive a plain kill of its parent,
// and writes both process ids to $0.
const familyScript = `sleep 600 & echo "$$ $!" >`

func TestCancelKillsTheWholeFamily(t *testing.T) {
	pids := filepath.Join(t.TempDir(), "pids")
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stop")
	go func() {
		waitFor(t, func() bool { return len(readPIDs(pids)) == 2 })
		cancel(stop)
	}()
	if err := toolchain.Run(ctx, shell(familyScript+pids+"; wait")); !errors.Is(err, stop) {
		t.Fatalf("Run = %v, want the cause", err)
	}
	waitFor(t, func() bool { return allGone(pids) })
}

func TestDeathOfTheBackendKillsTheWholeFamily(t *testing.T) {
	pids := filepath.Join(t.TempDir(), "pids")
	backend := exec.Command(os.Args[0])
	backend.Env = append(os.Environ(), backendEnv+"="+familyScript+pids+"; wait")
	if err := backend.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return len(readPIDs(pids)) == 2 })
	if err := backend.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = backend.Wait()
	waitFor(t, func() bool { return allGone(pids) })
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Error("waited in vain")
			return
		}
	}
}

func readPIDs(file string) (pids []int) {
	text, _ := os.ReadFile(file)
	for _, field := range strings.Fields(string(text)) {
		if pid, err := strconv.Atoi(field); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// allGone says whether no process of the file runs; a zombie does not.
func allGone(file string) bool {
	return !slices.ContainsFunc(readPIDs(file), func(pid int) bool {
		out, err := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
		return err == nil && !strings.HasPrefix(strings.TrimSpace(string(out)), "Z")
	})
}
