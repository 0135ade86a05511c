// SPDX-License-Identifier: Apache-2.0

package command

import (
	"bytes"
	"errors"
	"os/exec"
	"strings"
	"testing"
)

// exited is a real error of a process with exit code 1.
func exited(t testing.TB) error {
	err := exec.Command("sh", "-c", "exit 1").Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return err
}

func TestLastWords(t *testing.T) {
	for name, c := range map[string]struct {
		text, out string
		code      int
		reason    string
	}{
		"nothing":     {"", "", 1, ""},
		"own words":   {"error: no\n", "error: no\n", 1, ""},
		"status":      {"why\nsubprocess exited with status 1\nsubprocess exited with status 1\n", "why\n", 1, ""},
		"no newline":  {"whysubprocess exited with status 1\n", "why", 1, ""},
		"not the end": {"subprocess exited with status 1\nmore\n", "subprocess exited with status 1\nmore\n", 1, ""},
		"signal":      {"subprocess exited on killed\nsubprocess exited with status 1\n", "", 137, "killed by signal: killed"},
		"no program":  {"process failed to start with error: exec: \"x\": executable file not found in $PATH\nprocess exited with error: exec: not started\n", "", 127, `exec: "x": executable file not found in $PATH`},
		"no right":    {"process failed to start with error: fork/exec /x: permission denied\n", "", 126, "fork/exec /x: permission denied"},
	} {
		for _, size := range []int{1, 7, 1000} {
			var out bytes.Buffer
			l := &lastWords{w: &out}
			for rest := c.text; rest != ""; {
				n := min(size, len(rest))
				if _, err := l.Write([]byte(rest[:n])); err != nil {
					t.Fatal(err)
				}
				rest = rest[n:]
			}
			var e *ExitError
			if err := l.explain(exited(t)); !errors.As(err, &e) {
				t.Fatalf("%s: error is %v", name, err)
			}
			if out.String() != c.out || e.Code != c.code || e.Reason != c.reason {
				t.Errorf("%s by %d: %q, %+v", name, size, out.String(), e)
			}
		}
	}
}

func TestLastWordsOfTheRuntime(t *testing.T) {
	l := &lastWords{w: &bytes.Buffer{}}
	l.Write([]byte("error running subprocess: cannot mount\n"))
	var e *ExitError
	if err := l.explain(exited(t)); errors.As(err, &e) || !strings.Contains(err.Error(), "cannot mount") {
		t.Errorf("a fault of the runtime is reported as %v", err)
	}
}

func FuzzLastWords(f *testing.F) {
	f.Add([]byte("a\nsubprocess exited with status 2\n"), 3)
	f.Fuzz(func(t *testing.T, text []byte, size int) {
		if size < 1 || len(text) > 1000 {
			return
		}
		var out bytes.Buffer
		l := &lastWords{w: &out}
		for rest := text; len(rest) > 0; {
			n := min(size, len(rest))
			l.Write(rest[:n])
			rest = rest[n:]
		}
		l.flush()
		if !bytes.Equal(out.Bytes(), text) {
			t.Errorf("%q became %q", text, out.Bytes())
		}
	})
}
