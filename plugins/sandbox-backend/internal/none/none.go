// SPDX-License-Identifier: Apache-2.0

// Package none is the driver for machines that cannot run the commands of a
// build. With it all else works, for images of any platform: COPY, ADD,
// WORKDIR and what only changes the image's configuration.
package none

import (
	"context"
	"runtime"
	"strings"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/driver"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// Driver runs no commands.
type Driver struct {
	// Features are those of the manifest.
	Features []string
	// Why says in one sentence why no commands run. Empty: nobody has written
	// a driver for this system.
	Why string
}

var _ driver.Driver = Driver{}

// reason is the stable class of what is missing.
const reason = "no-sandbox"

// alternative is what to do about it.
const alternative = "build the files elsewhere, for example with a cross compiler, and COPY them; or use a machine with a backend that runs commands"

// message says why no commands run.
func (d Driver) message() string {
	if d.Why != "" {
		return d.Why
	}
	return "there is nothing on " + runtime.GOOS + " that this backend can run commands in"
}

// Describe subtracts all that is about commands.
func (d Driver) Describe(context.Context) (*backendv1.DescribeResponse, error) {
	r := &backendv1.DescribeResponse{Platforms: []*backendv1.PlatformSupport{{
		Platform: &irv1.Platform{Os: "linux", Architecture: runtime.GOARCH}, Run: backendv1.RunMode_RUN_MODE_NONE,
	}}}
	for _, f := range d.Features {
		if f == "exec" || strings.HasPrefix(f, "exec.") {
			r.Subtracted = append(r.Subtracted, &backendv1.Subtraction{
				Feature: f, Reason: reason, Message: d.message(), Alternative: alternative,
			})
		}
	}
	return r, nil
}

// Run refuses every command.
func (d Driver) Run(context.Context, driver.Command) (*layer.Layer, error) {
	f := backend.Machinef(nil, "commands cannot run here: %s", d.message())
	f.Help = alternative
	return nil, f
}

// Recover has nothing to do.
func (Driver) Recover(context.Context, string) error { return nil }
