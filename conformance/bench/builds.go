// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
)

// builder is a program that builds a context with a build argument REGISTRY.
type builder struct {
	name    string
	command func(context string, cached bool) *exec.Cmd
}

// builders are ours and Debian's buildah, each with a store of its own.
func builders(ctx context.Context, dir, address string) []builder {
	zlayerOn := func(backend string) builder {
		state := filepath.Join(dir, backend)
		return builder{backend, func(context string, cached bool) *exec.Cmd {
			return zlayer(ctx, state, "build", "--backend", backend, "--progress", "quiet", "--no-cache="+strconv.FormatBool(!cached),
				"--build-arg", "REGISTRY="+address, context)
		}}
	}
	store := filepath.Join(dir, "buildah")
	return []builder{
		zlayerOn("sandbox-backend"),
		zlayerOn("buildah-backend"),
		{"buildah build --layers", func(context string, cached bool) *exec.Cmd {
			return buildah(ctx, store, "bud", "--layers=true", "--no-cache="+strconv.FormatBool(!cached), "--isolation=chroot",
				"--tls-verify=false", "-q", "--build-arg", "REGISTRY="+address, context)
		}},
	}
}

// buildRounds is how often a context is built by each; they take turns.
const buildRounds = 5

// builds compares the backends with Debian's buildah: an example of three
// stages and 27 steps with every step run, the same with nothing changed, and
// what a RUN costs beside its command.
func builds(ctx context.Context, dir string) ([]row, error) {
	if _, err := exec.LookPath("buildah"); err != nil || os.Geteuid() != 0 {
		return []row{{"build beside buildah", "not measured", "needs root and buildah"}}, nil
	}
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "http://")
	if err := pushBase(address + "/base:1"); err != nil {
		return nil, err
	}
	all := builders(ctx, dir, address)
	const example = "examples/threestage"
	// The base is fetched once by each, so that none is measured with it.
	for _, b := range all {
		if err := runQuiet(b.command(example, true)); err != nil {
			return nil, err
		}
	}
	own, err := ownTime(ctx, filepath.Join(dir, "own"), example)
	if err != nil {
		return nil, err
	}
	cold, err := turns(all, func(b builder) *exec.Cmd { return b.command(example, false) })
	if err != nil {
		return nil, err
	}
	again, err := turns(all, func(b builder) *exec.Cmd { return b.command(example, true) })
	if err != nil {
		return nil, err
	}
	rows := compare("build, 3 stages, 27 steps, every step run", all, cold)
	rows = append(rows, row{"  its commands alone", fmt.Sprintf("%.0f ms", ms(own)), ""})
	rows = append(rows, ratio("  sandbox-backend to buildah, without the commands", cold[2]-own, cold[0]-own, "≥ 2×"))
	rows = append(rows, compare("the same, nothing changed", all, again)...)
	rows = append(rows, ratio("  sandbox-backend to buildah", again[2], again[0], "≥ 5×"))
	costs, err := runCost(dir, all)
	return append(rows, costs...), err
}

// turns lets builders run in turn and returns the median time of each.
func turns(all []builder, command func(builder) *exec.Cmd) ([]time.Duration, error) {
	times := make([][]time.Duration, len(all))
	for range buildRounds {
		for i, b := range all {
			t, err := timed(command(b))
			if err != nil {
				return nil, err
			}
			times[i] = append(times[i], t)
		}
	}
	medians := make([]time.Duration, len(all))
	for i := range times {
		medians[i] = median(times[i])
	}
	return medians, nil
}

// compare lists what each took.
func compare(what string, all []builder, times []time.Duration) []row {
	rows := []row{{what, "", ""}}
	for i, b := range all {
		rows = append(rows, row{"  " + b.name, fmt.Sprintf("%.0f ms", ms(times[i])), ""})
	}
	return rows
}

// ratio says how many times faster ours is.
func ratio(what string, theirs, ours time.Duration, goal string) row {
	return row{what, fmt.Sprintf("%.1f× as fast", float64(theirs)/float64(ours)), goal}
}

// manyRuns is how many commands a RUN's cost is measured with.
const manyRuns = 20

// runCost measures what a RUN costs beside its command: a build of many less
// one of none, divided. The command does nothing and changes nothing.
func runCost(dir string, all []builder) ([]row, error) {
	none, err := commands(filepath.Join(dir, "none"), 0)
	if err != nil {
		return nil, err
	}
	many, err := commands(filepath.Join(dir, "many"), manyRuns)
	if err != nil {
		return nil, err
	}
	without, err := turns(all, func(b builder) *exec.Cmd { return b.command(none, false) })
	if err != nil {
		return nil, err
	}
	with, err := turns(all, func(b builder) *exec.Cmd { return b.command(many, false) })
	if err != nil {
		return nil, err
	}
	alone, err := timed(exec.Command("/bin/busybox", "true"))
	if err != nil {
		return nil, err
	}
	rows := []row{{"a RUN beside its command", "", ""}}
	for i, b := range all {
		goal := ""
		if i == 0 {
			goal = "≤ 30 ms"
		}
		rows = append(rows, row{"  " + b.name, fmt.Sprintf("%.1f ms", ms((with[i]-without[i])/manyRuns-alone)), goal})
	}
	return rows, nil
}

// commands makes a context with some commands that do nothing.
func commands(dir string, n int) (string, error) {
	text := "ARG REGISTRY\nFROM ${REGISTRY}/base:1\nCOPY Dockerfile /\n"
	for i := range n {
		text += fmt.Sprintf("RUN [\"/bin/busybox\", \"true\", \"%d\"]\n", i)
	}
	return dockerfile(dir, text)
}

// buildah returns a buildah command with a store of its own.
func buildah(ctx context.Context, store string, args ...string) *exec.Cmd {
	policy := filepath.Join(store, "policy.json")
	_ = os.MkdirAll(store, 0o700)
	_ = os.WriteFile(policy, []byte(`{"default":[{"type":"insecureAcceptAnything"}]}`), 0o600)
	global := []string{"--root", filepath.Join(store, "root"), "--runroot", filepath.Join(store, "run"), "--storage-driver", "overlay"}
	args = append(append(global, args[0], "--signature-policy="+policy), args[1:]...)
	return exec.CommandContext(ctx, "buildah", args...)
}

func runQuiet(cmd *exec.Cmd) error {
	_, err := timed(cmd)
	return err
}
