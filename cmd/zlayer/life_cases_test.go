// SPDX-License-Identifier: Apache-2.0

//go:build system

package main

import (
	"syscall"
	"time"
)

// interruption is a way to end a build before its time.
type interruption struct {
	name string
	do   func(m *mess)
	// exit is zlayer's exit code; -1 when it is killed itself.
	exit int
}

// signal sends a signal; the process may be gone.
func (m *mess) signal(pid int, s syscall.Signal) {
	m.t.Helper()
	if err := syscall.Kill(pid, s); err != nil {
		m.t.Error(err)
	}
}

// interruptions are those of every backend.
var interruptions = []interruption{
	{"ctrl-c", func(m *mess) { m.signal(m.cmd.Process.Pid, syscall.SIGINT) }, 130},
	{"ctrl-c in a terminal", func(m *mess) { m.signal(-m.cmd.Process.Pid, syscall.SIGINT) }, 130},
	{"ctrl-c twice", func(m *mess) {
		m.signal(m.backend().pid, syscall.SIGSTOP)
		m.signal(m.cmd.Process.Pid, syscall.SIGINT)
		time.Sleep(100 * time.Millisecond)
		m.signal(m.cmd.Process.Pid, syscall.SIGINT)
	}, -1},
	{"terminated", func(m *mess) { m.signal(m.cmd.Process.Pid, syscall.SIGTERM) }, 130},
	{"host killed", func(m *mess) { m.signal(m.cmd.Process.Pid, syscall.SIGKILL) }, -1},
	{"terminal gone", func(m *mess) { m.signal(-m.cmd.Process.Pid, syscall.SIGHUP) }, -1},
	{"backend killed", func(m *mess) { m.signal(m.backend().pid, syscall.SIGKILL) }, 5},
	{"backend terminated", func(m *mess) { m.signal(m.backend().pid, syscall.SIGTERM) }, 5},
	{"worker killed", func(m *mess) { m.signal(m.worker().pid, syscall.SIGKILL) }, 5},
	{"host and backend killed", func(m *mess) {
		m.socketStays = true
		backend := m.backend().pid
		m.signal(m.cmd.Process.Pid, syscall.SIGSTOP)
		m.signal(backend, syscall.SIGKILL)
		m.signal(m.cmd.Process.Pid, syscall.SIGKILL)
	}, -1},
	// This takes the eight seconds that a backend may take to cancel.
	{"backend stopped and ctrl-c", func(m *mess) {
		m.signal(m.backend().pid, syscall.SIGSTOP)
		m.signal(m.cmd.Process.Pid, syscall.SIGINT)
	}, 130},
	{"worker stopped and ctrl-c", func(m *mess) {
		m.signal(m.inner().pid, syscall.SIGSTOP)
		m.signal(m.cmd.Process.Pid, syscall.SIGINT)
	}, 130},
	{"worker stopped and host killed", func(m *mess) {
		m.signal(m.inner().pid, syscall.SIGSTOP)
		m.signal(m.cmd.Process.Pid, syscall.SIGKILL)
	}, -1},
	{"worker stopped and backend killed", func(m *mess) {
		m.signal(m.inner().pid, syscall.SIGSTOP)
		m.signal(m.backend().pid, syscall.SIGKILL)
	}, 5},
}

// workerInterruptions are those that depend on what the processes below a
// backend are.
var workerInterruptions = map[string][]interruption{
	"buildah-backend": {
		{"inner worker killed", func(m *mess) { m.signal(m.inner().pid, syscall.SIGKILL) }, 5},
		{"worker terminated", func(m *mess) { m.signal(m.worker().pid, syscall.SIGTERM) }, 5},
	},
	// A command that is killed is a step that failed.
	"sandbox-backend": {
		{"command killed", func(m *mess) { m.signal(m.find(m.worker().pid, "").pid, syscall.SIGKILL) }, 4},
		{"worker stopped", func(m *mess) {
			m.signal(m.worker().pid, syscall.SIGSTOP)
			m.signal(m.cmd.Process.Pid, syscall.SIGINT)
		}, 130},
	},
}
