// SPDX-License-Identifier: Apache-2.0

package life

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// seesProcesses says that this system shows processes to others.
const seesProcesses = true

// proc is a process: its number alone may be another's later.
type proc struct {
	pid   int
	start string
}

// entry is what /proc says of a process.
type entry struct {
	proc
	parent, group int
	name          string
}

// running are all processes that have not ended.
func running() map[int]entry {
	list, _ := filepath.Glob("/proc/[0-9]*/stat")
	all := map[int]entry{}
	for _, name := range list {
		data, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		if s, ok := parseStat(string(data)); ok {
			all[s.pid] = s
		}
	}
	return all
}

// parseStat reads "PID (NAME) STATE PPID PGRP …"; the name may hold anything.
func parseStat(text string) (entry, bool) {
	open, end := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	if open < 0 || end < open {
		return entry{}, false
	}
	fields := strings.Fields(text[end+1:])
	if len(fields) < 20 || fields[0] == "Z" || fields[0] == "X" {
		return entry{}, false
	}
	s := entry{name: text[open+1 : end], proc: proc{start: fields[19]}}
	s.pid, _ = strconv.Atoi(strings.TrimSpace(text[:open]))
	s.parent, _ = strconv.Atoi(fields[1])
	s.group, _ = strconv.Atoi(fields[2])
	return s, true
}

// commandLine is the argv of a process; environment what it was started with.
func commandLine(pid int) string {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return string(bytes.ReplaceAll(data, []byte{0}, []byte{' '}))
}

func environment(pid int) string {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	return string(data)
}

// mountsOf are the mount points that a process sees.
func mountsOf(pid int) map[string]bool {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/mountinfo", pid))
	points := map[string]bool{}
	for line := range strings.Lines(string(data)) {
		if fields := strings.Fields(line); len(fields) > 4 {
			points[fields[4]] = true
		}
	}
	return points
}

// sampleOf measures a process.
func sampleOf(pid int) sample {
	dir := fmt.Sprintf("/proc/%d", pid)
	fds, _ := os.ReadDir(dir + "/fd")
	threads, _ := os.ReadDir(dir + "/task")
	statm, _ := os.ReadFile(dir + "/statm")
	s := sample{"fds": int64(len(fds)), "threads": int64(len(threads))}
	if fields := strings.Fields(string(statm)); len(fields) > 1 {
		pages, _ := strconv.ParseInt(fields[1], 10, 64)
		s["rss"] = pages * int64(os.Getpagesize())
	}
	return s
}

// kill ends a process; unmount takes a mount away from the names of files.
func kill(pid int) { _ = syscall.Kill(pid, syscall.SIGKILL) }

func unmount(point string) { _ = syscall.Unmount(point, syscall.MNT_DETACH) }
