// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// built is the folder of the guest as a module and as a native program.
var built string

func TestMain(m *testing.M) {
	var err error
	if built, err = build(); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(built)
	os.Exit(code)
}

func build() (string, error) {
	dir, err := os.MkdirTemp("", "engine-test-")
	if err != nil {
		return "", err
	}
	for name, env := range map[string][]string{"guest.wasm": {"GOOS=wasip1", "GOARCH=wasm"}, "guest": nil} {
		cmd := exec.Command("go", "build", "-o", filepath.Join(dir, name), "./testdata/guest")
		cmd.Env = append(os.Environ(), env...)
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", errors.New(string(out))
		}
	}
	return dir, os.Mkdir(filepath.Join(dir, "cache"), 0o700)
}

func open(t *testing.T, command []string, cache string) *Engine {
	t.Helper()
	e, err := Open(command, cache)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// both runs a test with wazero and with the native guest as the command.
func both(t *testing.T, test func(t *testing.T, start func(ctx context.Context, args ...string) *Instance)) {
	for name, command := range map[string][]string{"wazero": nil, "command": {"{module}"}} {
		t.Run(name, func(t *testing.T) {
			e := open(t, command, filepath.Join(built, "cache"))
			module := filepath.Join(built, "guest")
			if command == nil {
				module += ".wasm"
			}
			test(t, func(ctx context.Context, args ...string) *Instance {
				i, err := e.Start(ctx, module, append([]string{"guest"}, args...)...)
				if err != nil {
					t.Fatal(err)
				}
				return i
			})
		})
	}
}

func TestEcho(t *testing.T) {
	both(t, func(t *testing.T, start func(ctx context.Context, args ...string) *Instance) {
		i := start(t.Context(), "echo")
		out := bufio.NewReader(i.Stdout)
		for _, line := range []string{"one\n", strings.Repeat("two ", 100_000) + "\n"} {
			if _, err := io.WriteString(i.Stdin, line); err != nil {
				t.Fatal(err)
			}
			if got, err := out.ReadString('\n'); err != nil || got != strings.ToUpper(line) {
				t.Fatalf("%.20q of %d bytes came back, %v", got, len(got), err)
			}
		}
		if held := i.Memory(); runtime.GOOS == "linux" && (held < 100_000 || held > 256<<20) {
			t.Errorf("%d bytes of memory", held)
		}
		_ = i.Stdin.Close()
		if rest, err := io.ReadAll(out); len(rest) > 0 || err != nil {
			t.Errorf("at the end %q, %v", rest, err)
		}
		if code, err := i.Wait(); code != 0 || err != nil {
			t.Errorf("code %d, %v", code, err)
		}
	})
}

func TestExitCode(t *testing.T) {
	both(t, func(t *testing.T, start func(ctx context.Context, args ...string) *Instance) {
		i := start(t.Context(), "exit")
		for range 2 {
			if code, err := i.Wait(); code != 3 || err != nil {
				t.Errorf("code %d, %v", code, err)
			}
		}
		if _, err := i.Stdin.Write([]byte("late")); err == nil {
			t.Error("a module that has ended still reads")
		}
	})
}

func TestCrashLeavesTheEndOfStderr(t *testing.T) {
	both(t, func(t *testing.T, start func(ctx context.Context, args ...string) *Instance) {
		i := start(t.Context(), "crash")
		if code, err := i.Wait(); code == 0 {
			t.Errorf("code %d, %v", code, err)
		}
		if text := i.Stderr(); len(text) != stderrKept || !strings.Contains(text, "nil pointer") {
			t.Errorf("%d bytes of stderr: %s", len(text), text)
		}
	})
}

// What waits or does not end is ended by ctx.
func TestCancel(t *testing.T) {
	both(t, func(t *testing.T, start func(ctx context.Context, args ...string) *Instance) {
		for _, what := range []string{"echo", "loop", "write"} {
			ctx, cancel := context.WithCancel(t.Context())
			i := start(ctx, what)
			time.AfterFunc(200*time.Millisecond, cancel)
			began := time.Now()
			if what == "loop" {
				if _, err := io.ReadAll(i.Stdout); err == nil {
					t.Errorf("%s: its stdout came to an end", what)
				}
			}
			if code, err := i.Wait(); code != -1 || !errors.Is(err, context.Canceled) {
				t.Errorf("%s: code %d, %v", what, code, err)
			}
			if took := time.Since(began); took > settle {
				t.Errorf("%s: it took %v to end", what, took)
			}
		}
	})
}

func TestNothingIsLeft(t *testing.T) {
	both(t, func(t *testing.T, start func(ctx context.Context, args ...string) *Instance) {
		_, _ = start(t.Context(), "exit").Wait()
		before := runtime.NumGoroutine()
		for range 5 {
			ctx, cancel := context.WithCancel(t.Context())
			i := start(ctx, "echo")
			cancel()
			_, _ = i.Wait()
		}
		for end := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
			}
		}
	})
}

// output runs the module under wazero and returns what it writes.
func output(t *testing.T, e *Engine, args ...string) string {
	t.Helper()
	i, err := e.Start(t.Context(), filepath.Join(built, "guest.wasm"), args...)
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(i.Stdout)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = i.Wait()
	return string(out)
}

func TestTheWorldOfAModule(t *testing.T) {
	e := open(t, nil, filepath.Join(built, "cache"))
	t.Setenv("SECRET", "there")
	if got := output(t, e); got != "arguments [], environment []\n" {
		t.Errorf("without arguments: %s", got)
	}
	if got, want := output(t, e, "guest", "world"), "1600000000 5b02a950f79e45ec true\n"; got != want {
		t.Errorf("got %swant %s", got, want)
	}
	i, err := e.Start(t.Context(), filepath.Join(built, "guest.wasm"), "guest", "memory")
	if err != nil {
		t.Fatal(err)
	}
	if code, err := i.Wait(); code == 0 || !strings.Contains(i.Stderr(), "out of memory") {
		t.Errorf("a gigabyte of memory: code %d, %v, %s", code, err, i.Stderr())
	}
}

func TestTheSecondRunTranslatesNothing(t *testing.T) {
	cache := t.TempDir()
	list := func() (names []string) {
		_ = filepath.WalkDir(cache, func(path string, d fs.DirEntry, err error) error {
			if info, _ := d.Info(); err == nil && !d.IsDir() {
				names = append(names, path+" "+info.ModTime().String())
			}
			return err
		})
		return names
	}
	output(t, open(t, nil, cache))
	first := list()
	output(t, open(t, nil, cache))
	if second := list(); len(first) == 0 || !slices.Equal(first, second) {
		t.Errorf("the cache holds %q, then %q", first, second)
	}
}

func TestACommandIsKilledWithItsChildren(t *testing.T) {
	e := open(t, []string{"sh", "-c", "sleep 100 & echo $!; cat {module}; wait"}, "")
	ctx, cancel := context.WithCancel(t.Context())
	i, err := e.Start(ctx, os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	child, err := bufio.NewReader(i.Stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if code, err := i.Wait(); code != -1 || !errors.Is(err, context.Canceled) {
		t.Errorf("code %d, %v", code, err)
	}
	for end := time.Now().Add(10 * time.Second); exec.Command("kill", "-0", strings.TrimSpace(child)).Run() == nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the child still runs")
		}
	}
}

func TestRefused(t *testing.T) {
	if _, err := Open([]string{"wasmer", "run"}, ""); err == nil || !strings.Contains(err.Error(), "{module}") {
		t.Errorf("a command without a place for the module: %v", err)
	}
	text := filepath.Join(t.TempDir(), "text.wasm")
	if err := os.WriteFile(text, []byte("no module"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{text, filepath.Join(built, "none.wasm")} {
		if _, err := open(t, nil, "").Start(t.Context(), path); err == nil {
			t.Errorf("%s was started", path)
		}
	}
	if _, err := open(t, []string{"/no/such/program", "{module}"}, "").Start(t.Context(), text); err == nil {
		t.Error("a program that is not there was started")
	}
}
