// SPDX-License-Identifier: Apache-2.0

// Package serve turns a backend.Backend into a plugin process: gRPC over
// hashicorp/go-plugin (SPEC, backend-v1). It is the only package of the SDK
// that imports either.
//
// A whole main package is
//
//	func main() { serve.Main(myBackend{}) }
package serve

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/zlayer/zlayer/sdk/backend"
)

// grace is how long jobs get to clean up when the process must end (SPEC B6).
const grace = 5 * time.Second

// Main serves b until the host shuts it down or dies, and ends the process.
// Either way every running Build is cancelled first and gets five seconds to
// clean up.
//
// Whatever the backend prints, to stdout too, goes to stderr, which the host
// keeps for a failure report. Nothing may be printed before Main is called.
//
// Run by hand it explains itself and exits with code 1.
func Main(b backend.Backend) {
	if os.Getenv(cookieKey) != cookieValue {
		fmt.Fprintf(os.Stderr, "%s is a zlayer backend: zlayer starts it, people do not.\n"+
			"Run \"zlayer build\", or \"zlayer plugin list\" to see what is installed.\n", filepath.Base(os.Args[0]))
		os.Exit(1)
	}
	line, err := openLifeline(os.Getenv(LifelineEnv))
	if err != nil {
		fmt.Fprintf(os.Stderr, "backend: %v\n", err)
		os.Exit(1)
	}
	// The lifeline says when to end, not the end of a terminal. A backend that
	// is stopped when its host dies gets this signal, and would not clean up.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	alive, end := context.WithCancel(context.Background())
	s := &server{backend: b, alive: alive}
	go func() {
		line.wait()
		end()
		s.finish()
		removeSocket(os.Getenv(plugin.EnvUnixSocketDir))
		os.Exit(0)
	}()
	serve(s)
	end()
	s.finish()
	os.Exit(0)
}

// serve runs go-plugin until the host asks for a shutdown.
func serve(s *server) {
	stderr := os.Stderr
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: Handshake(),
		Plugins:         plugin.PluginSet{Name: grpcPlugin{server: s}},
		Logger:          hclog.NewNullLogger(),
		GRPCServer: func(options []grpc.ServerOption) *grpc.Server {
			// go-plugin sends what is printed through gRPC, where the last
			// words of a dying process are lost. The real stderr keeps them.
			return newGRPC(options, func() { os.Stdout, os.Stderr = stderr, stderr })
		},
	})
}

// finish waits for the cancelled jobs, but not for ever.
func (s *server) finish() {
	done := make(chan struct{})
	go func() {
		s.jobs.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(grace):
		fmt.Fprintf(os.Stderr, "backend: a cancelled build has not ended after %v\n", grace)
	}
}
