// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/zlayer/zlayer/host"
)

// resident measures the call that an editor makes at every keystroke: the
// frontend is loaded, all limits are on.
func resident(ctx context.Context, dir string) ([]row, error) {
	bundle, err := filepath.Abs(filepath.Join("bin", "plugins"))
	if err != nil {
		return nil, err
	}
	h, err := host.Open(host.Config{DataDir: filepath.Join(dir, "state"), BundleDir: bundle})
	if err != nil {
		return nil, err
	}
	defer h.Close()
	source := host.Source{Name: "Dockerfile", Content: []byte(fiftyLines())}
	var times []time.Duration
	for i := range 220 {
		began := time.Now()
		if _, err := h.Check(ctx, source); err != nil {
			return nil, err
		}
		if i >= 20 {
			times = append(times, time.Since(began))
		}
	}
	return []row{{"check, 50 lines, resident", fmt.Sprintf("%.2f ms", ms(median(times))), "≤ 5 ms"}}, nil
}

// benchLine is a result of "go test -bench".
var benchLine = regexp.MustCompile(`(?m)^BenchmarkStart\S*\s+\d+\s+(\d+) ns/op`)

// backendStart is the time from nothing to the first answer of a backend.
func backendStart(ctx context.Context, _ string) ([]row, error) {
	out, err := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^BenchmarkStart$", "./host/internal/procrun").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	found := benchLine.FindSubmatch(out)
	if found == nil {
		return nil, fmt.Errorf("no result in:\n%s", out)
	}
	ns, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil {
		return nil, err
	}
	return []row{{"backend, start to first answer", fmt.Sprintf("%.1f ms", ns/1e6), "≤ 50 ms"}}, nil
}
