// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// build makes the test program of a package, with what fuzzing needs compiled
// in, and returns its path. One program serves all targets of the package.
func (o options) build(ctx context.Context, p pkg, number int) (string, error) {
	program := filepath.Join(o.work, strconv.Itoa(number)+".test")
	c := exec.CommandContext(ctx, "go", "test", "-c", "-tags", o.tags, "-fuzz", ".", "-o", program, ".")
	c.Dir = p.dir
	out, err := c.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building the tests: %w\n%s", err, out)
	}
	return program, nil
}

// fuzz fuzzes one target, and returns the line to print. The error says what
// was found.
func (o options) fuzz(ctx context.Context, p pkg, target string, built func() (string, error)) (string, error) {
	name := filepath.ToSlash(p.dir) + " " + target
	program, err := built()
	if err != nil {
		return "FAIL " + name, err
	}
	out, err := o.command(ctx, p, target, program).CombinedOutput()
	line := name + "  " + progress(string(out))
	if ctx.Err() != nil {
		return "stopped " + name, ctx.Err()
	}
	if err != nil {
		return "FAIL " + line, fmt.Errorf("  the tests ended with %w\n%s", err, explain(p, target, string(out)))
	}
	return "ok   " + line, nil
}

// command runs a test program with one target. Interrupted, it writes what it
// found before it ends.
func (o options) command(ctx context.Context, p pkg, target, program string) *exec.Cmd {
	c := exec.CommandContext(ctx, "sh", "-c", `ulimit -d "$1" && shift && exec "$@"`, "sh", strconv.Itoa(o.memory), program,
		"-test.run=^$", "-test.fuzz=^"+target+"$", "-test.fuzztime="+o.time, "-test.fuzzminimizetime=100x",
		"-test.parallel=1", "-test.fuzzcachedir="+filepath.Join(o.work, "corpus", p.dir))
	c.Dir = p.dir
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGINT) }
	c.WaitDelay = 10 * time.Second
	return c
}

var (
	lastLine = regexp.MustCompile(`(?m)^fuzz: elapsed: .*execs: (\d+) .*new interesting: (\d+) `)
	crasher  = regexp.MustCompile(`(?m)^\s*Failing input written to (\S+)`)
)

// progress is what the last line of progress says.
func progress(out string) string {
	all := lastLine.FindAllStringSubmatch(out, -1)
	if len(all) == 0 {
		return "execs 0"
	}
	last := all[len(all)-1]
	return "execs " + last[1] + ", new " + last[2]
}

// maxOutput is how much is shown of what a failure wrote, in bytes.
const maxOutput = 8 << 10

// explain says what was found, and how to see it again.
func explain(p pkg, target, out string) string {
	var b strings.Builder
	for line := range strings.Lines(out) {
		if !strings.HasPrefix(line, "fuzz: elapsed:") && b.Len() < maxOutput {
			b.WriteString("    " + line)
		}
	}
	run := target
	if m := crasher.FindStringSubmatch(out); m != nil {
		fmt.Fprintf(&b, "  input: %s\n", filepath.ToSlash(filepath.Join(p.dir, m[1])))
		run += "/" + filepath.Base(m[1])
	}
	fmt.Fprintf(&b, "  again: (cd %s && go test -run '^%s$' .)", filepath.ToSlash(p.dir), strings.ReplaceAll(run, "/", "$/^"))
	return b.String()
}
