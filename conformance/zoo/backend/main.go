// SPDX-License-Identifier: Apache-2.0

// Backend is a backend that is wrong in one way. It passes everything on to a
// good backend, "good" beside its executable, and what comes back to the host;
// on the way it breaks one thing, the one that the file "fault" names. The
// table in ../backend.txt says by which case the suite has to find it.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/zlayer/zlayer/conformance/internal/peer"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "zoo:", err)
		os.Exit(1)
	}
}

func run() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	dir := filepath.Dir(self)
	name, err := os.ReadFile(filepath.Join(dir, "fault"))
	if err != nil {
		return err
	}
	f, ok := faults[strings.TrimSpace(string(name))]
	if !ok {
		return fmt.Errorf("there is no fault %q", name)
	}
	if f.start != nil {
		f.start()
	}
	if os.Getenv("ZLAYER_BACKEND_PLUGIN") != "backend-v1" && !f.anybody {
		return fmt.Errorf("a backend is started by a host, not by people")
	}
	good, err := startGood(filepath.Join(dir, "good"))
	if err != nil {
		return err
	}
	defer good.Close()
	return serve(&proxy{good: good.Client, fault: f})
}

// startGood starts the good backend. Its socket is below this process's own, so
// that a host that cleans up after the one does so after both.
func startGood(path string) (*peer.Process, error) {
	sockets := filepath.Join(os.Getenv("PLUGIN_UNIX_SOCKET_DIR"), "good")
	if err := os.Mkdir(sockets, 0o700); err != nil {
		return nil, err
	}
	return peer.Start(context.Background(), peer.Options{Path: path, Dir: ".", Sockets: sockets, Env: passed()})
}

// passed is the environment for the good backend: this process's, without what
// the protocol says to each process anew.
func passed() []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "PLUGIN_") && !strings.HasPrefix(kv, "ZLAYER_") {
			env = append(env, kv)
		}
	}
	return env
}
