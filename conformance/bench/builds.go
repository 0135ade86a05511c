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
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"

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

// buildRounds is how often the example is built by each; they take turns.
const buildRounds = 5

// builds compares the example of three stages with Debian's buildah.
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
	args := []string{"examples/threestage", "--build-arg", "REGISTRY=" + address}
	ours := func(state string) *exec.Cmd {
		return zlayer(ctx, state, append([]string{"build", "--progress", "quiet"}, args...)...)
	}
	store := filepath.Join(dir, "buildah")
	theirs := func(cached bool) *exec.Cmd {
		return buildah(ctx, store, append([]string{"bud", "--layers=true", "--no-cache=" + strconv.FormatBool(!cached), "--isolation=chroot",
			"--tls-verify=false", "-q"}, args[1], args[2], args[0])...)
	}
	state := filepath.Join(dir, "state")
	// The base is fetched once by each, so that neither is measured with it.
	if err := errsOf(runQuiet(ours(state)), runQuiet(theirs(true))); err != nil {
		return nil, err
	}
	cold, coldTheirs, err := interleave(buildRounds,
		func() *exec.Cmd { c := ours(state); c.Args = append(c.Args, "--no-cache"); return c },
		func() *exec.Cmd { return theirs(false) })
	if err != nil {
		return nil, err
	}
	again, againTheirs, err := interleave(buildRounds, func() *exec.Cmd { return ours(state) }, func() *exec.Cmd { return theirs(true) })
	if err != nil {
		return nil, err
	}
	return append(compare("build, 3 stages, every step run", cold, coldTheirs), compare("build, 3 stages, nothing changed", again, againTheirs)...), nil
}

func compare(what string, ours, theirs time.Duration) []row {
	return []row{
		{what, fmt.Sprintf("%.0f ms", ms(ours)), ""},
		{"  buildah build --layers", fmt.Sprintf("%.0f ms", ms(theirs)), ""},
		{"  ratio", fmt.Sprintf("%.2f×", float64(ours)/float64(theirs)), ""},
	}
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
