// SPDX-License-Identifier: Apache-2.0

// Zlayer builds container images and wasm artifacts through plugins.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/aperturerobotics/protobuf-go-lite/json"

	"github.com/zlayer/zlayer/cmd/zlayer/internal/cli"
)

// version is set by the linker.
var version = "unknown"

func main() {
	// In JSON for users, enums have names, as in protobuf's own JSON.
	json.DefaultMarshalerConfig.EnumsAsInts = false
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal ends the build in good order; a second one kills us.
	context.AfterFunc(ctx, stop)
	os.Exit(cli.Main(ctx, cli.Process{
		Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Environ: os.Environ(), Version: version,
	}))
}
