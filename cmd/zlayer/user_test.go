// SPDX-License-Identifier: Apache-2.0

//go:build system

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The user that TestAsUser becomes. It only exists in the mount namespace of
// that test.
const (
	testUser = "zlayer-test-user"
	testUID  = 54321
)

// notAsUser are the tests of what does not depend on who one is, of what only root
// can set up, and this one.
const notAsUser = "^(TestAsUser|TestAsUserWithoutRange|TestReadme|TestWasmPrograms|TestWasmRustTwice|TestWasmKilled|TestNewProjects|TestThirdParty|TestToolchainsAreConfined|TestPages|TestFullDisk|TestQuota|TestFullOutput|TestFullStdout|TestReadOnlyState|TestManyFiles|TestHugeFile|TestManyStages|TestSilence|TestBesidePrune|TestOddNames|TestPluginKilled|TestPluginLife|TestPluginsTogether|TestManyAtOnce|TestHeldBack|TestPruneBetweenPlatforms|TestInstalledIsConfined|TestConformsWithOneID|TestClockSetBack|TestClockSetForward|TestFlood|TestInterruptedCompiler|TestWasmCompileError)$"

// withoutRange are the tests that a user without subordinate ids runs: only
// sandbox-backend runs commands then, and the other says what it needs.
const withoutRange = "^(TestScratchExamples|TestInterrupted|TestTogether|TestKilledAnytime)$/^sandbox-backend$|^TestUserOfCommand$"

// become runs a command as the user: it shows it other files in /etc, and the Go
// toolchain where it can read it.
const become = `
for file in passwd group subuid subgid; do mount --bind "$ETC/$file" "/etc/$file"; done
mount --bind "$GOROOT_REAL" "$GOROOT_SEEN"
unset ETC GOROOT_REAL GOROOT_SEEN
exec setpriv --reuid "$0" --regid "$0" --clear-groups -- "$@"
`

// The tests of this package again as a user with subordinate ids, who can read
// neither root's files nor the source tree.
func TestAsUser(t *testing.T) { asUser(t, "subuid", "-test.skip="+notAsUser) }

// Some of them as a user who has but one id.
func TestAsUserWithoutRange(t *testing.T) { asUser(t, oneID, "-test.run="+withoutRange) }

// TestConformsWithOneID: a user who has but one id can do with sandbox-backend all
// that others can, but for what testdata/one-id.txt lists.
func TestConformsWithOneID(t *testing.T) {
	if os.Getenv(userEnv) != oneID {
		asUser(t, oneID, "-test.run=^TestConformsWithOneID$")
		return
	}
	cmd := exec.Command(filepath.Join(repository(t), "bin", "zlayer"), "conformance", "sandbox-backend", "--known-failing", filepath.Join("testdata", "one-id.txt"))
	cmd.Env = append(os.Environ(), "ZLAYER_DATA_DIR="+t.TempDir())
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
}

// oneID is the value of userEnv for a user without subordinate ids.
const oneID = "one-id"

func asUser(t *testing.T, kind string, args ...string) {
	if os.Getenv(userEnv) != "" {
		t.Fatal("this is that user")
	}
	if os.Geteuid() != 0 {
		t.Fatal("only root can become another user")
	}
	top, err := os.MkdirTemp("", "as-user")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(top)
	if err := os.Chmod(top, 0o755); err != nil {
		t.Fatal(err)
	}
	here := copyTree(t, top)
	home := filepath.Join(top, "h")
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(home, testUID, testUID); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("unshare", "--mount", "--propagation", "private", "--",
		"sh", "-euc", become, strconv.Itoa(testUID), filepath.Join(top, "tests"),
		"-test.v="+strconv.FormatBool(testing.Verbose()), "-test.timeout=30m")
	cmd.Args = append(cmd.Args, args...)
	cmd.Dir = here
	cmd.Env = append(os.Environ(), userEnv+"="+kind, "ETC="+userFiles(t, kind), "HOME="+home, "TMPDIR="+home,
		"GOCACHE="+filepath.Join(home, "cache"), "GOPATH="+filepath.Join(home, "go"), "GOMODCACHE=", "GOENV=off",
		"XDG_CONFIG_HOME=", "XDG_DATA_HOME=", "XDG_CACHE_HOME=", "XDG_RUNTIME_DIR=", "ZLAYER_DATA_DIR=")
	cmd.Env = append(cmd.Env, toolchain(t, top)...)
	out, err := cmd.CombinedOutput()
	t.Logf("as user %d (%s):\n%s", testUID, kind, out)
	if err != nil {
		t.Error(err)
	}
}

// copyTree copies what the tests need to where everybody can read it, and
// returns the copy of this folder.
func copyTree(t *testing.T, top string) (here string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	repo := repository(t)
	here = filepath.Join(top, "cmd", "zlayer")
	if err := os.MkdirAll(here, 0o755); err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{
		filepath.Join(repo, "bin"):      top,
		filepath.Join(repo, "examples"): top,
		filepath.Join(repo, "sdk"):      top,
		"testdata":                      here,
		self:                            filepath.Join(top, "tests"),
	} {
		if out, err := exec.Command("cp", "-rL", from, to).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	if out, err := exec.Command("chmod", "-R", "a+rX", top).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return here
}

// userFiles makes a folder with the files of /etc that know of users, with the
// user in them.
func userFiles(t *testing.T, kind string) string {
	t.Helper()
	dir := t.TempDir()
	ids := testUser + ":100000:65536\n"
	if kind == oneID {
		ids = ""
	}
	for name, line := range map[string]string{
		"passwd": fmt.Sprintf("%s:x:%d:%d::/nonexistent:/bin/sh\n", testUser, testUID, testUID),
		"group":  fmt.Sprintf("%s:x:%d:\n", testUser, testUID),
		"subuid": ids,
		"subgid": ids,
	} {
		have, err := os.ReadFile(filepath.Join("/etc", name))
		if err != nil {
			t.Fatalf("%v: the package uidmap makes it", err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), append([]byte(line), have...), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// toolchain returns the variables that say where the Go toolchain is and where
// the user is to see it.
func toolchain(t *testing.T, top string) []string {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatalf("go env GOROOT: %v", err)
	}
	seen := filepath.Join(top, "go")
	if err := os.Mkdir(seen, 0o755); err != nil {
		t.Fatal(err)
	}
	return []string{"GOROOT_REAL=" + strings.TrimSpace(string(root)), "GOROOT_SEEN=" + seen, "GOROOT=",
		"PATH=" + filepath.Join(seen, "bin") + ":" + os.Getenv("PATH")}
}
