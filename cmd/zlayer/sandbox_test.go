// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// sandbox is a state folder and the environment of zlayer in it.
type sandbox struct {
	t    *testing.T
	repo string
	data string // the state folder
	dir  string // where commands run; empty: here
	env  []string
}

func newSandbox(t *testing.T) *sandbox {
	t.Helper()
	repo, dir := repository(t), stateDir(t)
	data := filepath.Join(dir, "data")
	env := append(os.Environ(), "ZLAYER_DATA_DIR="+data, "HOME="+dir, "XDG_CONFIG_HOME=", "SOURCE_DATE_EPOCH=", "CI=true")
	return &sandbox{t: t, repo: repo, data: data, env: env}
}

// on makes a backend the one that builds.
func (s *sandbox) on(backend string) *sandbox {
	s.env = append(s.env, "ZLAYER_BACKEND="+backend)
	return s
}

// userEnv is set in the tests that run again as a plain user.
const userEnv = "ZLAYER_TEST_USER"

// stateDir makes a folder for a state. What a plain user builds belongs to
// subordinate ids, which only root can remove, when the user's tests are over.
func stateDir(t *testing.T) string {
	t.Helper()
	if os.Getenv(userEnv) == "" {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp("", "state")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// zlayer runs bin/zlayer and returns what it printed on stdout.
func (s *sandbox) zlayer(args ...string) string {
	s.t.Helper()
	out, err := s.try(args...)
	if err != nil {
		s.t.Fatalf("zlayer %s: %v\n%s", strings.Join(args, " "), err, stderrOf(err))
	}
	return strings.TrimSpace(out)
}

// try runs bin/zlayer.
func (s *sandbox) try(args ...string) (string, error) {
	cmd := exec.Command(filepath.Join(s.repo, "bin", "zlayer"), args...)
	cmd.Dir, cmd.Env = s.dir, s.env
	out, err := cmd.Output()
	return string(out), err
}

func stderrOf(err error) string {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return string(exit.Stderr)
	}
	return ""
}
