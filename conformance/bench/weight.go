// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// containerBackends are those that build images.
var containerBackends = [...]string{"sandbox-backend", "buildah-backend"}

// build builds a context with a backend and gives the image a name, so that it
// is not in anybody's way to prune those that had it before.
func build(ctx context.Context, state, backend, context string) *exec.Cmd {
	return zlayer(ctx, state, "build", "--backend", backend, "--progress", "quiet", "--tag", "bench", context)
}

const (
	// manyFiles is the context of a large repository.
	manyFiles = 5000
	// someFiles are in the context whose builds are weighed, each of fileSize.
	someFiles, fileSize = 100, 10_000
	// changes is how many builds follow the first, each with one file changed.
	changes = 20
)

// files makes a context with so many files in folders of 50, and a Dockerfile
// that copies them.
func files(dir string, n int) (string, error) {
	for i := range n {
		if err := change(dir, i, uint64(i)); err != nil {
			return "", err
		}
	}
	return dockerfile(dir, "FROM scratch\nCOPY src /src\n")
}

// change gives a file of a context another content.
func change(dir string, n int, seed uint64) error {
	file := filepath.Join(dir, "src", fmt.Sprint(n/50), fmt.Sprint(n))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, noise(fileSize, seed), 0o644)
}

// memory measures the largest process of a check and of builds that start from
// nothing: ru_maxrss as the kernel has it for zlayer and all that it waited
// for, its backends and their workers. A process begins with the size of the
// one that started it, so this comes before what makes the bench itself large.
func memory(ctx context.Context, dir string) ([]row, error) {
	context, err := files(filepath.Join(dir, "memory"), someFiles)
	if err != nil {
		return nil, err
	}
	state := filepath.Join(dir, "state")
	size, err := largest(zlayer(ctx, state, "check", filepath.Join(dir, "Dockerfile")))
	if err != nil {
		return nil, err
	}
	rows := []row{{"peak memory, the largest process (getrusage)", "", ""}, {"  check, 50 lines", megabytes(size), ""}}
	for _, backend := range containerBackends {
		if size, err = largest(build(ctx, filepath.Join(dir, "memory-"+backend), backend, context)); err != nil {
			return nil, err
		}
		rows = append(rows, row{"  build, COPY of 100 files, " + backend, megabytes(size), ""})
	}
	return rows, nil
}

// largest runs a command and returns the peak of the largest process in it, in
// bytes.
func largest(cmd *exec.Cmd) (int64, error) {
	if err := runQuiet(cmd); err != nil {
		return 0, err
	}
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0, fmt.Errorf("%s: this system does not say how large a process was", cmd.Path)
	}
	return usage.Maxrss * 1024, nil // Linux counts in KiB
}

// growth measures the state folder: after a build, after more that each change
// one file, and after prune, which leaves what the last one made.
func growth(ctx context.Context, dir string) ([]row, error) {
	context, err := files(filepath.Join(dir, "growth"), someFiles)
	if err != nil {
		return nil, err
	}
	rows := []row{{fmt.Sprintf("state folder, COPY of %d files of %d kB", someFiles, fileSize/1000), "", ""}}
	for _, backend := range containerBackends {
		state := filepath.Join(dir, "growth-"+backend)
		if err := runQuiet(build(ctx, state, backend, context)); err != nil {
			return nil, err
		}
		first := sizeOf(state)
		for range changes {
			if err := change(context, rand.IntN(someFiles), rand.Uint64()); err != nil {
				return nil, err
			}
			if err := runQuiet(build(ctx, state, backend, context)); err != nil {
				return nil, err
			}
		}
		grown := sizeOf(state)
		if err := runQuiet(zlayer(ctx, state, "prune")); err != nil {
			return nil, err
		}
		rows = append(rows,
			row{"  " + backend + ", one build", megabytes(first), ""},
			row{fmt.Sprintf("    after %d that each change one file", changes), megabytes(grown), ""},
			row{"    after zlayer prune", megabytes(sizeOf(state)), fmt.Sprintf("≤ %s", megabytes(first*11/10))})
	}
	return rows, nil
}

// unchanged measures a build of a large context in which nothing changed.
func unchanged(ctx context.Context, dir string) ([]row, error) {
	context, err := files(filepath.Join(dir, "unchanged"), manyFiles)
	if err != nil {
		return nil, err
	}
	state := filepath.Join(dir, "unchanged-state")
	command := func() *exec.Cmd { return build(ctx, state, containerBackends[0], context) }
	if err := runQuiet(command()); err != nil {
		return nil, err
	}
	// Digests of files that were just written are not kept: the second build
	// reads them again, and keeps them then.
	if err := runQuiet(command()); err != nil {
		return nil, err
	}
	var times []time.Duration
	for range buildRounds {
		t, err := timed(command())
		if err != nil {
			return nil, err
		}
		times = append(times, t)
	}
	return []row{{fmt.Sprintf("build of %d files, nothing changed", manyFiles), fmt.Sprintf("%.0f ms", ms(median(times))), "≤ 400 ms"}}, nil
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
