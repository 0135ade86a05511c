// SPDX-License-Identifier: Apache-2.0

//go:build system && linux

package linux

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// testerEnv is where the program in testdata/tester is, if it is built.
const testerEnv = "ZLAYER_TEST_TESTER"

// tester builds testdata/tester, once, and returns the program.
func tester(t testing.TB) string {
	t.Helper()
	path, err := buildTester()
	must(t, err)
	return path
}

var buildTester = sync.OnceValues(func() (string, error) {
	if path := os.Getenv(testerEnv); path != "" {
		return path, nil
	}
	dir, err := os.MkdirTemp("", "tester")
	if err != nil {
		return "", err
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return "", err
	}
	path := filepath.Join(dir, "tester")
	cmd := exec.Command("go", "build", "-ldflags=-s -w", "-o", path, "./testdata/tester")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	return path, cmd.Run()
})
