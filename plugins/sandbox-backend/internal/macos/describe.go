// SPDX-License-Identifier: Apache-2.0

package macos

import (
	"runtime"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// trial are the features that work, as far as anybody knows.
var trial = []string{"exec", "exec.network.host", "exec.network.none", "exec.script"}

// absent are the features that there are not.
var absent = []*backendv1.Subtraction{
	{Feature: "exec.user", Reason: "one-user",
		Message:     "commands run as the user who builds, since macOS has no user namespaces",
		Alternative: "write USER after the last RUN"},
	noMount("exec.mount.bind", "copy the files into a stage first, and run the command there"),
	noMount("exec.mount.cache", ""),
	noMount("exec.mount.secret", "fetch what needs the secret before the build, and COPY it"),
	noMount("exec.mount.secret.env", "fetch what needs the secret before the build, and COPY it"),
	noMount("exec.mount.ssh", "fetch what needs the agent before the build, and COPY it"),
	noMount("exec.mount.tmpfs", "use a folder in $TMPDIR"),
}

func noMount(feature, alternative string) *backendv1.Subtraction {
	return &backendv1.Subtraction{
		Feature: feature, Reason: "no-mounts", Alternative: alternative,
		Message: "macOS has no mounts of a single process, so nothing can appear at a path of the image",
	}
}

// describe says what commands can have on this machine; tool says whether
// sandbox-exec is there.
func describe(tool bool) *backendv1.DescribeResponse {
	here := &irv1.Platform{Os: "darwin", Architecture: runtime.GOARCH}
	r := &backendv1.DescribeResponse{Platforms: []*backendv1.PlatformSupport{{Platform: here, Run: backendv1.RunMode_RUN_MODE_NATIVE}}}
	why := backendv1.Subtraction{
		Reason:  backend.ReasonExperimental,
		Message: "the sandbox for commands on macOS has not been tested on a Mac",
	}
	if !tool {
		why = backendv1.Subtraction{
			Reason: "no-sandbox-exec", Message: "the program " + sandboxExec + " is missing",
			Alternative: "build on a version of macOS that has it, or COPY files that are built elsewhere",
		}
	}
	for _, feature := range trial {
		r.Subtracted = append(r.Subtracted, &backendv1.Subtraction{
			Feature: feature, Reason: why.Reason, Message: why.Message, Alternative: why.Alternative,
		})
	}
	for _, s := range absent {
		r.Subtracted = append(r.Subtracted, s.CloneVT())
	}
	return r
}

// sandboxExec is the program that puts a command into the sandbox.
const sandboxExec = "/usr/bin/sandbox-exec"
