// SPDX-License-Identifier: Apache-2.0

//go:build system

package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Builds of one state folder at the same time do not disturb each other, the
// same one or another, not even when one of them hangs and is then killed.
func TestTogether(t *testing.T) { onEachMess(t, together) }

// onEachMess runs a test with each container backend.
func onEachMess(t *testing.T, test func(t *testing.T, m *mess)) {
	for _, backend := range containerBackends {
		t.Run(backend, func(t *testing.T) { test(t, newMess(t, backend)) })
	}
}

func together(t *testing.T, m *mess) {
	m.env = append(m.env, "SOURCE_DATE_EPOCH=1700000000")
	for i := range 2 {
		m.write(fmt.Sprintf("Dockerfile.%d", i),
			fmt.Sprintf("ARG REGISTRY\nFROM ${REGISTRY}/base:1\nRUN echo first > /first\nRUN echo %d > /second\n", i))
	}
	first := m.together(6)
	m.start()
	second := m.together(4)
	var group sync.WaitGroup
	group.Go(func() {
		time.Sleep(50 * time.Millisecond)
		syscall.Kill(m.cmd.Process.Pid, syscall.SIGKILL)
	})
	third := m.together(4)
	group.Wait()
	for _, digests := range [][]string{second, third} {
		for i, digest := range digests {
			if digest != first[i] {
				t.Errorf("build %d gave %s and then %s", i, first[i], digest)
			}
		}
	}
	since := time.Now()
	m.exit()
	m.clean(since)
}

// together builds n times at once, in turn from two build files, with nothing
// cached, and returns the digests.
func (m *mess) together(n int) []string {
	m.t.Helper()
	digests, errs := make([]string, n), make([]error, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			digests[i], errs[i] = m.try(append(m.args("0"), "--no-cache", "--file", filepath.Join(m.context, fmt.Sprintf("Dockerfile.%d", i%2)))...)
		})
	}
	group.Wait()
	for i, err := range errs {
		if err != nil {
			m.t.Fatalf("build %d of %d: %v\n%s", i, n, err, stderrOf(err))
		}
		if digests[i] != digests[i%2] {
			m.t.Errorf("builds %d and %d gave %s and %s", i, i%2, digests[i], digests[i%2])
		}
	}
	return digests
}

// Builds do not notice that images are removed and the state folder is cleared
// meanwhile; who clears it is told to wait, or clears it.
func TestBesidePrune(t *testing.T) { onEachMess(t, besidePrune) }

func besidePrune(t *testing.T, m *mess) {
	m.env = append(m.env, "SOURCE_DATE_EPOCH=1700000000")
	m.write("Dockerfile", "ARG REGISTRY\nFROM ${REGISTRY}/base:1 AS first\nARG NAP\nRUN echo first > /first\nFROM first\nRUN echo second > /second\n")
	want := m.zlayer(append(m.args("0"), "--tag", "app:0")...)
	var builders, cleaners sync.WaitGroup
	done := make(chan struct{})
	for _, args := range [][]string{{"rm", "app:0"}, {"rm", "app:1"}, {"prune"}, {"prune", "--all"}} {
		cleaners.Go(func() { m.repeat(done, args...) })
	}
	for i := range 2 {
		builders.Go(func() {
			for n := range 4 {
				tag := fmt.Sprintf("app:%d", i)
				got, err := m.try(append(m.args("0"), "--tag", tag, "--no-cache="+strconv.FormatBool(n%2 == 0))...)
				if err != nil || strings.TrimSpace(got) != want {
					t.Errorf("build %d of %s: %q, want %s: %v\n%s", n, tag, got, want, err, stderrOf(err))
				}
			}
		})
	}
	builders.Wait()
	close(done)
	cleaners.Wait()
	m.zlayer("prune", "--all")
	if images := m.zlayer("images", "--format", "json"); strings.TrimSpace(images) != "[]" {
		t.Errorf("after all was pruned there is %s", images)
	}
	layout := filepath.Join(t.TempDir(), "layout")
	if got := m.zlayer(append(m.args("0"), "--output", "type=oci-layout,dest="+layout)...); got != want {
		t.Errorf("afterwards it is %s, and was %s", got, want)
	}
	openLayout(t, layout)
	m.clean(time.Now())
}

// repeat runs zlayer again and again until done. That there is nothing to do, or
// that the others are busy, is fine.
func (m *mess) repeat(done <-chan struct{}, args ...string) {
	for {
		select {
		case <-done:
			return
		case <-time.After(20 * time.Millisecond):
		}
		_, err := m.try(args...)
		if said := stderrOf(err); err != nil && !strings.Contains(said, "another zlayer is") && !strings.Contains(said, "no such image") {
			m.t.Errorf("zlayer %s: %v\n%s", strings.Join(args, " "), err, said)
		}
	}
}

// Whenever zlayer is killed, in the first millisecond or the last, the next
// build works.
func TestKilledAnytime(t *testing.T) { onEachMess(t, killedAnytime) }

func killedAnytime(t *testing.T, m *mess) {
	// A host that dies between making a folder for the socket and starting the
	// backend, which removes it, leaves it empty until the next start.
	m.socketStays = true
	for i, delay := 0, time.Millisecond; delay < 3*time.Second; i, delay = i+1, delay*3/2 {
		m.launch(m.command(append(m.args("0"), "--no-cache")...))
		time.Sleep(delay)
		signal := syscall.SIGKILL
		if i%3 == 2 {
			signal = syscall.SIGINT
		}
		syscall.Kill(m.cmd.Process.Pid, signal)
		m.exit()
	}
	m.clean(time.Now())
}

// A reader of the output that goes away, as head does, ends the build as if
// zlayer had been killed.
func TestReaderGone(t *testing.T) { onEachMess(t, readerGone) }

func readerGone(t *testing.T, m *mess) {
	m.write("Dockerfile", "ARG REGISTRY\nFROM ${REGISTRY}/base:1\nARG NAP\nRUN test $NAP = 0 || while sleep 0.1; do echo word; done\n")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := m.command(m.args(m.nap)...)
	cmd.Stdout, cmd.Stderr = w, w
	m.launch(cmd)
	w.Close()
	for lines := bufio.NewScanner(r); lines.Scan() && !strings.HasSuffix(lines.Text(), "| word"); {
	}
	since := time.Now()
	r.Close()
	m.exit()
	m.clean(since)
}

// What holds for commands of a container build holds for a compiler.
func TestInterruptedCompiler(t *testing.T) {
	m := newMess(t, "wasm-lang-go")
	project := filepath.Join(m.context, "project")
	if err := os.CopyFS(project, os.DirFS(filepath.Join(m.repo, "examples", "wasm-go"))); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		do   func()
	}{
		{"ctrl-c", func() { syscall.Kill(m.cmd.Process.Pid, syscall.SIGINT) }},
		{"host killed", func() { syscall.Kill(m.cmd.Process.Pid, syscall.SIGKILL) }},
		{"backend killed", func() { syscall.Kill(m.find(m.cmd.Process.Pid, "wasm-lang-go").pid, syscall.SIGKILL) }},
	} {
		m.launch(m.command("build", project))
		m.await("the compiler to run", time.Minute, func() string {
			for _, p := range m.processes() {
				if strings.Contains(p.args, "/compile ") {
					return ""
				}
			}
			return "no compiler:\n" + m.out.String()
		})
		since := time.Now()
		c.do()
		m.exit()
		m.await("the build to be gone", cleanWithin, m.left)
		t.Logf("uid %d: %s: nothing left after %v", os.Geteuid(), c.name, time.Since(since).Round(time.Millisecond))
	}
	m.zlayer("build", project)
	if left := m.left() + m.leftInState(); left != "" {
		t.Errorf("after the next build there is still:\n%s", left)
	}
}
