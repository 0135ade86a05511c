// SPDX-License-Identifier: Apache-2.0

// Bench measures zlayer as its users meet it and prints one table. Everything
// is measured in one run, and what can be is given as a ratio, because the
// machine's speed is nobody's merit.
//
// It needs what "make build" makes and, for the comparison with buildah, root
// and Debian's packages buildah and busybox-static; without them it says so.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// row is one line of the table.
type row struct{ what, value, goal string }

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "zlayer-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var rows []row
	for _, measure := range []func(context.Context, string) ([]row, error){sizes, check, memory, resident, compareCodecs, backendStart, unchanged, builds, bigBase, growth} {
		r, err := measure(ctx, dir)
		if err != nil {
			return err
		}
		rows = append(rows, r...)
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "WHAT\tMEASURED\tGOAL")
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%s\t%s\n", r.what, r.value, r.goal)
	}
	return w.Flush()
}

// sizes are those of the modules, which decide how long a start takes.
func sizes(context.Context, string) ([]row, error) {
	var rows []row
	for _, m := range []struct{ name, goal string }{{"dockerfile", "≤ 4.2 MB"}, {"zimagefile", "≤ 5.5 MB"}} {
		info, err := os.Stat(filepath.Join("bin", "plugins", m.name, m.name+".wasm"))
		if err != nil {
			return nil, fmt.Errorf("run make build first: %w", err)
		}
		rows = append(rows, row{m.name + ".wasm", fmt.Sprintf("%.2f MB", float64(info.Size())/1e6), m.goal})
	}
	return rows, nil
}

// rounds is how often a process is measured; the programs take turns.
const rounds = 20

// check measures whole processes: a check of 50 lines, and the same command
// with a frontend that does nothing.
func check(ctx context.Context, dir string) ([]row, error) {
	file := filepath.Join(dir, "Dockerfile")
	if err := os.WriteFile(file, []byte(fiftyLines()), 0o600); err != nil {
		return nil, err
	}
	empty, err := frontend(ctx, dir, "empty")
	if err != nil {
		return nil, err
	}
	nothing := filepath.Join(dir, "Nothing")
	if err := os.WriteFile(nothing, nil, 0o600); err != nil {
		return nil, err
	}
	state := filepath.Join(dir, "state")
	real := func(state string) *exec.Cmd { return zlayer(ctx, state, "check", file) }
	base := func() *exec.Cmd { return zlayer(ctx, state, "check", nothing, "--plugin-dir", empty) }
	if err := runQuiet(zlayer(ctx, state, "plugin", "compile", "--plugin-dir", empty)); err != nil {
		return nil, err
	}
	warm, floor, err := interleave(rounds, func() *exec.Cmd { return real(state) }, base)
	if err != nil {
		return nil, err
	}
	n := 0
	cold, _, err := interleave(5, func() *exec.Cmd { n++; return real(filepath.Join(dir, fmt.Sprint("cold", n))) }, base)
	if err != nil {
		return nil, err
	}
	return []row{
		{"check, 50 lines, whole process", fmt.Sprintf("%.1f ms", ms(warm)), ""},
		{"the same with an empty Go frontend", fmt.Sprintf("%.1f ms", ms(floor)), ""},
		{"  ratio", fmt.Sprintf("%.2f×", float64(warm)/float64(floor)), "≤ 2.5×"},
		{"first check, empty compile cache", fmt.Sprintf("%.0f ms", ms(cold)), "≤ 400 ms"},
	}, nil
}

// zlayer returns a zlayer command with a state folder of its own.
func zlayer(ctx context.Context, state string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join("bin", "zlayer"), args...)
	cmd.Env = append(os.Environ(), "ZLAYER_DATA_DIR="+state, "ZLAYER_CONFIG=/nonexistent", "CI=true")
	return cmd
}

// interleave runs two commands in turn and returns the median time of each.
func interleave(n int, a, b func() *exec.Cmd) (medianA, medianB time.Duration, err error) {
	var as, bs []time.Duration
	for range n {
		ta, err := timed(a())
		if err != nil {
			return 0, 0, err
		}
		tb, err := timed(b())
		if err != nil {
			return 0, 0, err
		}
		as, bs = append(as, ta), append(bs, tb)
	}
	return median(as), median(bs), nil
}

// timed runs a command to its end.
func timed(cmd *exec.Cmd) (time.Duration, error) {
	began := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	return time.Since(began), nil
}

func median(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[len(list)/2]
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// fiftyLines is an ordinary Dockerfile of 50 lines.
func fiftyLines() string {
	var b strings.Builder
	b.WriteString("# syntax=docker/dockerfile:1\nARG GO=1.26\nFROM golang:${GO} AS build\nWORKDIR /src\nCOPY go.mod go.sum ./\n")
	for i := range 20 {
		fmt.Fprintf(&b, "RUN --mount=type=cache,target=/root/.cache/%d \\\n    go build -o /out/tool%d ./cmd/tool%d\n", i, i, i)
	}
	b.WriteString("FROM scratch\nCOPY --from=build --chown=65532:65532 /out/ /bin/\nUSER 65532\nENTRYPOINT [\"/bin/tool0\"]\nLABEL a=b\n")
	return b.String()
}
