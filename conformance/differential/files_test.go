// SPDX-License-Identifier: Apache-2.0

//go:build system

package differential_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/conformance/internal/build"
	"github.com/zlayer/zlayer/conformance/vectors"
)

var files = flag.String("files", "run-*", "the vectors that TestFiles builds, a pattern as path.Match has it; \"*\" for all, which takes some minutes")

// TestFiles compares the ways in which sandbox-backend gives files to commands:
// overlays and copies, each as root, as a user with subordinate ids and as one
// without. All of them make what the vector wants, and so the same.
func TestFiles(t *testing.T) {
	if who := os.Getenv(whoEnv); who != "" {
		buildFiles(t, who)
		return
	}
	if os.Geteuid() != 0 {
		t.Fatal("only root can become other users")
	}
	t.Run(asRoot, func(t *testing.T) { buildFiles(t, asRoot) })
	t.Run(asUser, func(t *testing.T) { become(t, "TestFiles", asUser, oneRange) })
	t.Run(withOneID, func(t *testing.T) { become(t, "TestFiles", withOneID, "") })
}

// TestDifferentialAsUser compares the backends as a user with subordinate ids.
// Without them only one builds: see TestFiles.
func TestDifferentialAsUser(t *testing.T) {
	if os.Geteuid() != 0 {
		return // TestDifferential is that user's
	}
	become(t, "TestDifferential", asUser, oneRange)
}

func buildFiles(t *testing.T, who string) {
	all, err := vectors.Containers()
	if err != nil {
		t.Fatal(err)
	}
	some := slices.DeleteFunc(slices.Clone(all), func(c *vectors.Container) bool { return !matches(*files, c.Name) })
	s := newSuite(t, who, "sandbox-backend", "sandbox-backend"+copies)
	s.buildAll(t, some)
	slices.Sort(s.refused)
	t.Logf("refused: %q", s.refused)
	if s.ran < len(all) {
		return
	}
	for _, line := range stale(s.tolerated) {
		if line.oneID {
			t.Errorf("tolerated.txt:%d: nothing differs so: remove the line", line.line)
		}
	}
}

// needsIDs says that a build ended because it needs more than one id: the
// backend says so or, in a command, the kernel.
func needsIDs(o *build.Outcome) bool {
	return o.Failure != nil && (strings.Contains(o.Message, "only one user is mapped") ||
		strings.Contains(o.Output, "chown: ") && strings.Contains(o.Output, "Invalid argument"))
}

// The user that the test becomes. It only exists in the mount namespace of that
// process, which finds in whoEnv who it is.
const (
	userName = "zlayer-test-user"
	userID   = 54321
	whoEnv   = "ZLAYER_TEST_WHO"
	// oneRange is a line of /etc/subuid and /etc/subgid.
	oneRange = userName + ":100000:65536\n"
)

// asOther runs a command as the user, to whom /etc has other files.
const asOther = `
for file in passwd group subuid subgid; do mount --bind "$ETC/$file" "/etc/$file"; done
unset ETC
exec setpriv --reuid "$0" --regid "$0" --clear-groups -- "$@"
`

// become runs a test as a user with these lines in /etc/subuid and subgid.
func become(t *testing.T, test, who, subordinate string) {
	top, err := os.MkdirTemp("", "as-user")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(top)
	here, home := copyTree(t, top), filepath.Join(top, "h")
	script := fmt.Sprintf("mkdir %q && chmod -R a+rX %q && chown %d:%d %q", home, top, userID, userID, home)
	if out, err := exec.Command("sh", "-euc", script).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cmd := exec.Command("unshare", "--mount", "--propagation", "private", "--", "sh", "-euc", asOther, strconv.Itoa(userID),
		filepath.Join(top, "tests"), "-test.run=^"+test+"$", "-test.v", "-test.timeout=20m", "-files="+*files)
	cmd.Dir = here
	cmd.Env = append(os.Environ(), whoEnv+"="+who, "ETC="+userFiles(t, subordinate), "HOME="+home, "TMPDIR="+home,
		"XDG_CONFIG_HOME=", "XDG_DATA_HOME=", "XDG_CACHE_HOME=", "XDG_RUNTIME_DIR=")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("as user %d: %v\n%s", userID, err, out)
		return
	}
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "    files_test.go") || strings.HasPrefix(line, "    differential_test.go") {
			t.Log(strings.TrimSpace(line))
		}
	}
}

// copyTree copies what the test needs to where everybody can read it, and
// returns the copy of this folder.
func copyTree(t *testing.T, top string) (here string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	here = filepath.Join(top, "conformance", "differential")
	plugins := filepath.Join(top, "bin", "plugins")
	for _, dir := range []string{here, plugins} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	bundle := filepath.Join("..", "..", "bin", "plugins")
	for from, to := range map[string]string{
		self:                                     filepath.Join(top, "tests"),
		"tolerated.txt":                          here,
		filepath.Join(bundle, "dockerfile"):      plugins,
		filepath.Join(bundle, "sandbox-backend"): plugins,
		filepath.Join(bundle, "buildah-backend"): plugins,
	} {
		if out, err := exec.Command("cp", "-rL", from, to).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	return here
}

// userFiles makes a folder with the files of /etc that know of users, with the
// user in them.
func userFiles(t *testing.T, subordinate string) string {
	t.Helper()
	dir := t.TempDir()
	for name, line := range map[string]string{
		"passwd": fmt.Sprintf("%s:x:%d:%d::/nonexistent:/bin/sh\n", userName, userID, userID),
		"group":  fmt.Sprintf("%s:x:%d:\n", userName, userID),
		"subuid": subordinate, "subgid": subordinate,
	} {
		have, err := os.ReadFile(filepath.Join("/etc", name))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), append([]byte(line), have...), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
