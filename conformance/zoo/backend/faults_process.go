// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

// processFaults are about the life of the process.
var processFaults = map[string]fault{
	"stdout-before":     {start: func() { _, _ = os.Stdout.WriteString("starting up\n") }},
	"stdout-after":      {line: func(line string) string { return line + "ready\n" }},
	"handshake-core":    {line: func(line string) string { return strings.Replace(line, "1|", "2|", 1) }},
	"handshake-version": {line: func(line string) string { return strings.Replace(line, "1|1|", "1|2|", 1) }},
	"handshake-never":   {start: func() { time.Sleep(time.Hour) }},
	"exits-at-once":     {start: func() { os.Exit(3) }},
	"no-cookie":         {anybody: true},
	"slow-start":        {start: func() { time.Sleep(3 * time.Second) }},
	"socket-elsewhere":  {socket: func(path string) string { return filepath.Join("/tmp", "zoo-"+filepath.Base(path)) }},
	"deaf-to-lifeline":  {deaf: true},
	"small-messages":    {maxMessage: 4 << 20},

	"leaks-descriptors": {describe: func(*backendv1.DescribeRequest, *backendv1.DescribeResponse) error {
		_, w, err := os.Pipe()
		leak(w)
		return err
	}},
	"leaks-memory": {describe: func(*backendv1.DescribeRequest, *backendv1.DescribeResponse) error {
		page := make([]byte, 256<<10)
		for i := range page {
			page[i] = byte(i)
		}
		leak(page)
		return nil
	}},
	"leaks-threads": {describe: func(*backendv1.DescribeRequest, *backendv1.DescribeResponse) error {
		go func() {
			runtime.LockOSThread()
			var fds [2]int
			_ = syscall.Pipe(fds[:])
			_, _ = syscall.Read(fds[0], make([]byte, 1)) // blocks the thread
		}()
		return nil
	}},
	"leaks-processes": {event: atEnd(func(*build) { leak(exec.Command("sleep", "300")) })},
	"leaks-temporary-files": {event: atEnd(func(b *build) {
		_ = os.WriteFile(filepath.Join(os.TempDir(), "zoo-"+b.start.GetJobId()), nil, 0o600)
	})},
	"leaks-mounts": {event: atEnd(func(b *build) {
		dir := filepath.Join(b.start.GetStateDir(), "zoo-mount")
		_ = os.MkdirAll(dir, 0o700)
		_ = syscall.Mount("zoo", dir, "tmpfs", 0, "")
	})},
}

// leaked is what is never freed.
var leaked []any

func leak(v any) {
	if c, ok := v.(*exec.Cmd); ok {
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		_ = c.Start()
	}
	leaked = append(leaked, v)
}

// atEnd does something before the last event of a build.
func atEnd(do func(*build)) func(*build, *backendv1.BuildEvent) error {
	return func(b *build, e *backendv1.BuildEvent) error {
		if e.GetArtifact() != nil || e.GetFailed() != nil {
			do(b)
		}
		return b.host.Send(e)
	}
}

// describeFaults are about what it says of itself.
var describeFaults = map[string]fault{
	"describe-fails": {describe: func(*backendv1.DescribeRequest, *backendv1.DescribeResponse) error { return errors.New("not today") }},
	"describe-writes": {describe: func(r *backendv1.DescribeRequest, _ *backendv1.DescribeResponse) error {
		return os.WriteFile(filepath.Join(r.GetStateDir(), "described"), nil, 0o600)
	}},
	"describe-slow": {describe: func(*backendv1.DescribeRequest, *backendv1.DescribeResponse) error {
		time.Sleep(3 * time.Second)
		return nil
	}},
	"describe-differs": {describe: func(_ *backendv1.DescribeRequest, res *backendv1.DescribeResponse) error {
		leak(nil)
		if len(leaked)%2 == 0 {
			res.Subtracted = append(res.Subtracted, &backendv1.Subtraction{Feature: "copy", Reason: "even", Message: "it is even"})
		}
		return nil
	}},
	"builds-experimental":         {describe: subtracts("copy", "experimental", "it is new")},
	"describe-subtracts-more":     {describe: subtracts("exec.nothing", "unknown", "there is no such thing")},
	"describe-without-reason":     {describe: subtracts("add.git", "", "there is no git")},
	"describe-reason-not-kebab":   {describe: subtracts("add.git", "No Git", "there is no git")},
	"describe-without-message":    {describe: subtracts("add.git", "no-git", "")},
	"describe-refuses-new-fields": {describe: refusesNewFields},
	"describe-platform-not-listed": {describe: func(_ *backendv1.DescribeRequest, res *backendv1.DescribeResponse) error {
		res.Platforms[0].Platform.Os = "plan9"
		return nil
	}},
}

func subtracts(feature, reason, message string) func(*backendv1.DescribeRequest, *backendv1.DescribeResponse) error {
	return func(_ *backendv1.DescribeRequest, res *backendv1.DescribeResponse) error {
		res.Subtracted = append(res.Subtracted, &backendv1.Subtraction{Feature: feature, Reason: reason, Message: message})
		return nil
	}
}

// refusesNewFields refuses what a newer host says.
func refusesNewFields(r *backendv1.DescribeRequest, _ *backendv1.DescribeResponse) error {
	if known := (&backendv1.DescribeRequest{StateDir: r.GetStateDir()}); known.SizeVT() != r.SizeVT() {
		return errors.New("unknown field")
	}
	return nil
}
