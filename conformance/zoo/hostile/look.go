// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// look says what the frontend sees of something (SPEC F6).
func (c *call) look(at string) string {
	switch at {
	case "requests":
		return fmt.Sprintf("%d requests before", c.before)
	case "arguments":
		return fmt.Sprintf("%d arguments", len(os.Args))
	case "environment":
		return fmt.Sprintf("%d variables", len(os.Environ()))
	case "descriptors":
		return fmt.Sprintf("open descriptors above 2: %v", descriptors())
	case "files":
		return fmt.Sprintf("files: %v", files())
	case "network":
		return fmt.Sprintf("network: %v", network())
	case "clock":
		return clock()
	case "time":
		return time.Now().UTC().Format(time.RFC3339Nano)
	case "random":
		b := make([]byte, 32)
		_, _ = rand.Read(b)
		return fmt.Sprintf("random bytes %x", b)
	}
	return "there is no " + at
}

// descriptors lists what is open: folders and sockets are, when there are any.
func descriptors() []int {
	open := []int{}
	for fd := 3; fd < 1024; fd++ {
		var s syscall.Stat_t
		if syscall.Fstat(fd, &s) == nil {
			open = append(open, fd)
		}
	}
	return open
}

// files lists the files that can be read or made.
func files() []string {
	found := []string{}
	for _, name := range []string{".", "/", "/etc/passwd", "/proc/self/environ", "Hostile", "../Hostile"} {
		if _, err := os.Stat(name); err == nil {
			found = append(found, name)
		}
	}
	for _, name := range []string{"made", "/tmp/made"} {
		if os.WriteFile(name, nil, 0o600) == nil {
			found = append(found, name)
		}
	}
	return found
}

// network lists the ways to the network: a new socket, or one among what is
// open.
func network() []string {
	found := []string{}
	for _, family := range []int{syscall.AF_INET, syscall.AF_INET6, syscall.AF_UNIX} {
		if _, err := syscall.Socket(family, syscall.SOCK_STREAM, 0); err == nil {
			found = append(found, fmt.Sprintf("a socket of the family %d", family))
		}
	}
	for fd := range 1024 {
		if _, _, err := syscall.Accept(fd); err == nil {
			found = append(found, fmt.Sprintf("a connection from %d", fd))
		}
		if syscall.Shutdown(fd, syscall.SHUT_RDWR) == nil {
			found = append(found, fmt.Sprintf("a connection at %d", fd))
		}
	}
	return found
}

// clock says whether time goes on while something is done.
func clock() string {
	began := time.Now()
	var b strings.Builder
	for b.Len() < 1<<20 {
		b.WriteString("x")
	}
	now := time.Now()
	if now.UnixNano() == began.UnixNano() && now.Sub(began) == 0 {
		return "the clock stands still"
	}
	return "the clock goes"
}
