// SPDX-License-Identifier: Apache-2.0

// Package worker is the process that works for one call of the host. It reads
// messages from stdin, writes events to file descriptor 3, and ends with its
// job: when stdin ends too early the server is gone or does not want the job
// any more, and the worker and all that it started are gone at once.
package worker

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/build"
	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/jail"
	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/wire"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"go.podman.io/storage/pkg/reexec"
	"golang.org/x/sys/unix"
)

// The calls, which are the one argument of a worker.
const (
	OpBuild   = "build"
	OpHas     = "has"
	OpExport  = "export"
	OpRemove  = "remove"
	OpRecover = "recover"
)

// Main runs a worker. It must come first in main, because buildah runs this
// program again under other names.
func Main() {
	jail.Register()
	if reexec.Init() {
		return
	}
	runtime.LockOSThread()
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "this is the worker of zlayer's buildah backend: the backend starts it, people do not")
		os.Exit(2)
	}
	code, inside := jail.Enter()
	if !inside {
		os.Exit(code)
	}
	os.Exit(work(os.Args[1]))
}

// work does one call and tells the server how it went.
func work(op string) int {
	events := wire.NewWriter(os.NewFile(jail.EventsFD, "events"))
	requests := wire.NewReader(os.Stdin)
	unix.Umask(0o022) // of commands, too
	err := jail.Settle()
	var artifact *backendv1.Artifact
	if err == nil {
		artifact, err = call(op, requests, events)
	}
	last := &backendv1.BuildEvent{Event: &backendv1.BuildEvent_Artifact{Artifact: artifact}}
	if err != nil {
		last.Event = &backendv1.BuildEvent_Failed{Failed: failed(err)}
	}
	if err := events.Send(last); err != nil {
		return 1
	}
	return 0
}

func call(op string, requests *wire.Reader, events *wire.Writer) (*backendv1.Artifact, error) {
	switch op {
	case OpBuild:
		return runBuild(requests, events)
	case OpHas:
		return has(requests)
	case OpExport:
		return done(export(requests))
	case OpRemove:
		return done(remove(requests))
	case OpRecover:
		return done(recoverJobs(requests))
	}
	return nil, fmt.Errorf("the worker does not know the call %q", op)
}

func done(err error) (*backendv1.Artifact, error) { return &backendv1.Artifact{}, err }

func failed(err error) *backendv1.Failed {
	f := build.Failure(nil, err)
	return &backendv1.Failed{
		Kind: f.Kind, Ref: f.Ref, Message: f.Error(), Help: f.Help, ExitCode: int32(f.ExitCode), Findings: f.Findings,
	}
}

// watch reads answers until stdin ends, and then ends the worker.
func watch(requests *wire.Reader, answer func(*backendv1.Answer)) {
	for {
		var r backendv1.BuildRequest
		err := requests.Receive(&r)
		if err != nil && !errors.Is(err, io.EOF) {
			fmt.Fprintf(os.Stderr, "reading from the server: %v\n", err)
		}
		if err != nil || r.GetCancel() != nil {
			os.Exit(1) // as process 1: takes everything with it
		}
		if a := r.GetAnswer(); a != nil {
			answer(a)
		}
	}
}
