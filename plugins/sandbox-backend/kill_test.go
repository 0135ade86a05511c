// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/plugintest"
)

// victim makes a process of this test binary the one that is killed: its value
// is the context and the state folder.
const victim = "SANDBOX_BACKEND_TEST_VICTIM"

func TestMain(m *testing.M) {
	nativeMain()
	if folders := os.Getenv(victim); folders != "" {
		os.Exit(beVictim(folders))
	}
	os.Exit(m.Run())
}

// victimSteps is a build that takes a while.
func victimSteps() *irv1.ResolvedStage {
	s := stage(scratch())
	for i := range 8 {
		s.Steps = append(s.Steps, copyFiles(fmt.Sprintf("/%d/", i), "big"), copyFiles(fmt.Sprintf("/%d/", i), "small"))
	}
	return s
}

// beVictim builds, writes a line for each event, and waits to be killed.
func beVictim(folders string) int {
	dir, state, _ := strings.Cut(folders, ":")
	r := &rig{context: dir, state: state}
	start := r.startIn(state, victimSteps())
	start.JobId = "victim"
	job := &plugintest.Job{OnEvent: func(*backendv1.BuildEvent) { fmt.Println("event") }}
	if _, err := newSandbox(settings{driver: nameNone}).Build(context.Background(), start, job); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println("event")
	select {}
}

// A backend that is killed at any moment leaves a state folder that the next
// one cleans and builds in.
func TestKilledAtAnyMoment(t *testing.T) {
	r := withNone(t)
	r.write(map[string]string{"big": big, "small": "S"})
	want := r.must(victimSteps())
	for n := 0; n < 33; n += 4 {
		r.state = t.TempDir()
		r.kill(n)
		err := r.backend.Recover(t.Context(), &backendv1.RecoverRequest{StateDir: r.state, JobIds: []string{"victim"}})
		if err != nil {
			t.Fatal(err)
		}
		if left := r.leftovers(); len(left) > 0 {
			t.Errorf("killed after %d events: files of the job are left: %v", n, left)
		}
		if drafts, err := filepath.Glob(filepath.Join(r.state, "layers", "temp", "*")); err != nil || len(drafts) > 0 {
			t.Errorf("killed after %d events: drafts are left: %v, %v", n, drafts, err)
		}
		if got := r.must(victimSteps()); got.Artifact.Handle != want.Artifact.Handle {
			t.Errorf("killed after %d events: the next build makes something else", n)
		}
	}
}

// kill starts a build in a process and kills it after some events.
func (r *rig) kill(events int) {
	r.t.Helper()
	cmd := exec.CommandContext(r.t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), victim+"="+r.context+":"+r.state)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		r.t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for range events {
		lines.Scan()
	}
	if err := cmd.Process.Kill(); err != nil {
		r.t.Fatal(err)
	}
	cmd.Wait()
}
