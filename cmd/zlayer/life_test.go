// SPDX-License-Identifier: Apache-2.0

//go:build system

package main

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The contract (SPEC B6): two seconds after a build was interrupted, nothing of
// it is left. A slow machine gets more; the time is logged.
const cleanWithin = 10 * time.Second

// stubborn is a build whose command does not want to end: it ignores signals,
// has children in sessions of their own whose parents are gone, and holds files
// open in its mounts and in the layer. Its processes are known by the number of
// seconds they sleep.
const stubborn = `ARG REGISTRY
FROM ${REGISTRY}/base:1
RUN echo first > /first
ARG NAP
RUN --mount=type=cache,target=/cache --mount=type=tmpfs,target=/fast <<EOF
trap '' INT TERM HUP QUIT
exec 7>/held 8>/cache/held 9>/fast/held
test "$NAP" = 0 && exit
/bin/busybox setsid sh -c "trap '' INT TERM HUP; cd /cache; sleep $NAP; true" &
(/bin/busybox setsid sh -c "(cd /fast; sleep $NAP; true) &" &)
printf '%s-%s\n' all up
sleep $NAP
true
EOF
`

// mess is a build that runs, and what can be found of it.
type mess struct {
	*sandbox
	temp, context string
	registry      string
	// container is the backend that builds images.
	container string
	// nap marks the processes of commands; the others have the state folder in
	// their environment, backends in PATH.
	nap string
	cmd *exec.Cmd
	out output
	// socketStays says that only the next start can remove the socket.
	socketStays bool
}

// newMess prepares the build in a state folder of its own.
func newMess(t *testing.T, container string) *mess {
	t.Helper()
	m := watch(newSandbox(t).on(container))
	m.container, m.registry = container, serveBase(t)
	m.context = t.TempDir()
	m.write("Dockerfile", stubborn)
	return m
}

// watch makes it possible to find what runs in a sandbox, and what is left of
// it.
func watch(s *sandbox) *mess {
	s.t.Helper()
	m := &mess{sandbox: s, nap: strconv.Itoa(1e8 + rand.IntN(9e8))}
	var err error
	if m.temp, err = os.MkdirTemp("", "life"); err != nil { // short: it holds sockets
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { os.RemoveAll(m.temp) })
	m.env = append(m.env, "TMPDIR="+m.temp, "PATH="+os.Getenv("PATH")+":"+m.data)
	return m
}

func (m *mess) write(name, content string) {
	m.t.Helper()
	if err := os.WriteFile(filepath.Join(m.context, name), []byte(content), 0o644); err != nil {
		m.t.Fatal(err)
	}
}

func (m *mess) args(nap string) []string {
	return []string{"build", m.context, "--insecure-registry", m.registry, "--build-arg", "REGISTRY=" + m.registry, "--build-arg", "NAP=" + nap}
}

// command is zlayer, to be started.
func (m *mess) command(args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(m.repo, "bin", "zlayer"), args...)
	cmd.Dir, cmd.Env = m.dir, m.env
	cmd.Stdout, cmd.Stderr = &m.out, &m.out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// launch starts a command, which is m.cmd from now on.
func (m *mess) launch(cmd *exec.Cmd) {
	m.t.Helper()
	m.cmd = cmd
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
}

// start starts the build and waits until its command and the command's children
// run.
func (m *mess) start() {
	m.t.Helper()
	m.launch(m.command(m.args(m.nap)...))
	m.await("the command to run", time.Minute, func() string {
		if !strings.Contains(m.out.String(), "all-up") {
			return "it printed: " + m.out.String()
		}
		return ""
	})
}

// await polls until look returns nothing, and returns how long that took.
func (m *mess) await(what string, limit time.Duration, look func() string) time.Duration {
	m.t.Helper()
	start := time.Now()
	for {
		left := look()
		took := time.Since(start)
		switch {
		case left == "":
			return took
		case took > limit:
			m.t.Fatalf("waited %v for %s:\n%s", limit, what, left)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// processes lists what still runs of the build.
func (m *mess) processes() []process {
	var list []process
	for _, p := range allProcesses() {
		if all := p.environ + p.args; strings.Contains(all, m.data) || strings.Contains(all, m.nap) {
			list = append(list, p)
		}
	}
	return list
}

// find returns the one child of a process with a name.
func (m *mess) find(parent int, name string) process {
	m.t.Helper()
	for _, p := range allProcesses() {
		if p.parent == parent && strings.Contains(p.args, name) {
			return p
		}
	}
	m.t.Fatalf("process %d has no child %q:\n%v", parent, name, m.processes())
	return process{}
}

// backend is the process that the host started.
func (m *mess) backend() process { return m.find(m.cmd.Process.Pid, m.container) }

// worker is the process that the backend started.
func (m *mess) worker() process { return m.find(m.backend().pid, "") }

// inner is the first process of the PID namespace of the worker. With
// sandbox-backend, and with buildah-backend as root, that is the worker itself.
func (m *mess) inner() process {
	p := m.worker()
	for !p.first {
		p = m.find(p.pid, "")
	}
	return p
}

// left describes everything of the build that must be gone by itself.
func (m *mess) left() string {
	var left []string
	for _, p := range m.processes() {
		left = append(left, "process "+p.String())
	}
	left = append(left, linesWith(m.t, "/proc/self/mountinfo", "mount ", m.data, m.temp, m.nap)...)
	left = append(left, linesWith(m.t, "/proc/net/unix", "socket ", m.data, m.temp, m.nap)...)
	if !m.socketStays {
		left = append(left, under(m.temp)...)
	}
	return strings.Join(left, "\n")
}

// leftInState describes what must be gone after the next start at the latest.
func (m *mess) leftInState() string {
	var left []string
	for _, dir := range []string{"jobs/" + m.container, "sockets", "images/tmp", "backends/*/jobs", "backends/*/run"} {
		found, err := filepath.Glob(filepath.Join(m.data, dir, "*"))
		if err != nil {
			m.t.Fatal(err)
		}
		left = append(left, found...)
	}
	left = append(left, under(m.temp)...)
	left = append(left, leftLayers(m.data)...)
	left = append(left, drafts(m.t, filepath.Join(m.data, "backends", "buildah-backend", "storage"))...)
	return strings.Join(left, "\n")
}

// clean waits until nothing is left, builds again, and checks that the next
// build works and left nothing either.
func (m *mess) clean(since time.Time) {
	m.t.Helper()
	m.await("the build to be gone", cleanWithin, m.left)
	took := time.Since(since)
	state := m.leftInState()
	digest := m.zlayer(m.args("0")...)
	if !strings.HasPrefix(digest, "sha256:") {
		m.t.Errorf("the next build printed %q", digest)
	}
	if left := m.left() + m.leftInState(); left != "" {
		m.t.Errorf("after the next build there is still:\n%s", left)
	}
	when := "at once"
	if state != "" {
		when = "at the next start"
	}
	m.t.Logf("uid %d: nothing left after %v; the state folder was clean %s", os.Geteuid(), took.Round(time.Millisecond), when)
}

// exit waits for the end of zlayer and returns its exit code; -1 for a signal.
func (m *mess) exit() int {
	m.t.Helper()
	select {
	case <-m.ended():
	case <-time.After(time.Minute):
		m.t.Fatalf("zlayer does not end:\n%s", m.out.String())
	}
	return m.cmd.ProcessState.ExitCode()
}

// ended waits for the end of zlayer, and is closed then.
func (m *mess) ended() <-chan struct{} {
	ended := make(chan struct{})
	go func() {
		m.cmd.Wait()
		close(ended)
	}()
	return ended
}

// However a build is interrupted, nothing is left of it and the next one works.
func TestInterrupted(t *testing.T) {
	for _, backend := range containerBackends {
		t.Run(backend, func(t *testing.T) {
			for _, c := range slices.Concat(interruptions, workerInterruptions[backend]) {
				t.Run(c.name, func(t *testing.T) { interrupt(t, newMess(t, backend), c) })
			}
		})
	}
}

func interrupt(t *testing.T, m *mess, c interruption) {
	m.start()
	since := time.Now()
	c.do(m)
	if code := m.exit(); code != c.exit {
		t.Errorf("exit code %d (%v), want %d:\n%s", code, m.cmd.ProcessState, c.exit, m.out.String())
	}
	m.clean(since)
}
