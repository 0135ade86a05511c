// SPDX-License-Identifier: Apache-2.0

// Zlayer builds container images and wasm artifacts through plugins.
package main

import (
	"cmp"
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/aperturerobotics/protobuf-go-lite/json"

	"github.com/zlayer/zlayer/cmd/zlayer/internal/cli"
)

// version and commit are set by the linker, as the Makefile says.
var version, commit string

// origin returns the version and the commit; after "go install" what the go
// tool knows of them.
func origin() (string, string) {
	info, ok := debug.ReadBuildInfo()
	if version != "" || !ok {
		return cmp.Or(version, "unknown"), commit
	}
	commit := ""
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			commit = s.Value
		}
	}
	return info.Main.Version, commit
}

func main() {
	// In JSON for users, enums have names, as in protobuf's own JSON.
	json.DefaultMarshalerConfig.EnumsAsInts = false
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal ends the build in good order; a second one kills us.
	context.AfterFunc(ctx, stop)
	version, commit := origin()
	os.Exit(cli.Main(ctx, cli.Process{
		Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Environ: os.Environ(), Version: version, Commit: commit,
	}))
}
