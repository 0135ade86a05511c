// SPDX-License-Identifier: Apache-2.0

//go:build system && linux

package linux

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The users that all tests run as again. They only exist in the mount
// namespace of those tests.
const testUID = 54321

// userEnv says which of them the tests run as.
const userEnv = "ZLAYER_TEST_USER"

// oneID says that only one user is mapped.
func oneID() bool { return os.Getenv(userEnv) == "without" }

// become runs a command as the user, to whom /etc has other files.
const become = `
for file in passwd group subuid subgid; do mount --bind "$ETC/$file" "/etc/$file"; done
unset ETC
exec setpriv --reuid "$0" --regid "$0" --clear-groups -- "$@"
`

// All tests again as users with and without subordinate ids.
func TestAsUser(t *testing.T) {
	if os.Getenv(userEnv) != "" {
		return // this is one of them
	}
	t.Run("with", func(t *testing.T) { asUser(t, "with", "zlayer-test-user:100000:65536\n") })
	t.Run("without", func(t *testing.T) { asUser(t, "without", "") })
}

func asUser(t *testing.T, kind, subordinates string) {
	dir, err := os.MkdirTemp("", "as-user")
	must(t, err)
	defer os.RemoveAll(dir)
	must(t, os.Chmod(dir, 0o755))
	self, err := os.ReadFile("/proc/self/exe")
	must(t, err)
	program := filepath.Join(dir, "tests")
	must(t, os.WriteFile(program, self, 0o755))
	temp := filepath.Join(dir, "tmp")
	must(t, os.Mkdir(temp, 0o700))
	must(t, os.Chown(temp, testUID, testUID))

	cmd := exec.Command("unshare", "--mount", "--propagation", "private", "--", "sh", "-euc", become, strconv.Itoa(testUID),
		program, "-test.timeout=10m", "-test.run="+pattern(), "-test.v="+strconv.FormatBool(testing.Verbose()))
	cmd.Dir = temp
	cmd.Env = []string{userEnv + "=" + kind, "PATH=" + os.Getenv("PATH"), "HOME=" + temp, "TMPDIR=" + temp, "ETC=" + userFiles(t, subordinates), testerEnv + "=" + tester(t)}
	out, err := cmd.CombinedOutput()
	t.Logf("as user %d %s subordinate ids:\n%s", testUID, kind, out)
	must(t, err)
}

// pattern is what of the tests is asked for.
func pattern() string {
	for _, arg := range os.Args {
		if p, ok := strings.CutPrefix(arg, "-test.run=^TestAsUser/"); ok {
			return p
		}
	}
	return "."
}

// userFiles makes a folder with the files of /etc that know of users, with the
// user in them.
func userFiles(t testing.TB, subordinates string) string {
	t.Helper()
	dir := t.TempDir()
	for name, line := range map[string]string{
		"passwd": fmt.Sprintf("zlayer-test-user:x:%d:%d::/nonexistent:/bin/sh\n", testUID, testUID),
		"group":  fmt.Sprintf("zlayer-test-user:x:%d:\n", testUID),
		"subuid": subordinates, "subgid": subordinates,
	} {
		have, err := os.ReadFile(filepath.Join("/etc", name))
		if !os.IsNotExist(err) {
			must(t, err)
		}
		must(t, os.WriteFile(filepath.Join(dir, name), append([]byte(line), have...), 0o644))
	}
	return dir
}
