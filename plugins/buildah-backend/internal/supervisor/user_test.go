// SPDX-License-Identifier: Apache-2.0

//go:build system

package supervisor_test

import (
	"fmt"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// The user that TestAsUser becomes. It only exists in the mount namespace of
// that test.
const (
	testUser = "zlayer-test-user"
	testUID  = 54321
)

// userEnv says that the tests run as that user, and with which ids.
const userEnv = "ZLAYER_TEST_USER"

// subordinates are lines of /etc/subuid and /etc/subgid.
const subordinates = testUser + ":100000:65536\n"

// become runs a command as the user, to whom /etc has other files.
const become = `
for file in passwd group subuid subgid; do mount --bind "$ETC/$file" "/etc/$file"; done
unset ETC
exec setpriv --reuid "$0" --regid "$0" --clear-groups -- "$@"
`

// All tests again as a user with subordinate ids. Without them nothing is built:
// TestDescribe says what is.
func TestAsUser(t *testing.T) {
	if os.Getenv(userEnv) != "" {
		return // this is that user
	}
	t.Run("with", func(t *testing.T) { asUser(t, "with", subordinates, "-test.skip=^TestAsUser$") })
	t.Run("without", func(t *testing.T) { asUser(t, "without", "", "-test.run=^TestDescribe$") })
	t.Run("empty range", func(t *testing.T) { asUser(t, "without", testUser+":100000:0\n", "-test.run=^TestDescribe$") })
}

func asUser(t *testing.T, kind, subordinates, which string) {
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

	cmd := osexec.Command("unshare", "--mount", "--propagation", "private", "--", "sh", "-euc", become, strconv.Itoa(testUID),
		program, which, "-test.timeout=10m", "-test.v="+strconv.FormatBool(testing.Verbose()))
	cmd.Dir = temp
	cmd.Env = []string{userEnv + "=" + kind, "PATH=" + os.Getenv("PATH"), "HOME=" + temp, "TMPDIR=" + temp, "ETC=" + userFiles(t, subordinates)}
	out, err := cmd.CombinedOutput()
	t.Logf("as user %d %s subordinate ids:\n%s", testUID, kind, out)
	must(t, err)
}

// userFiles makes a folder with the files of /etc that know of users, with the
// user in them.
func userFiles(t testing.TB, subordinates string) string {
	t.Helper()
	dir := t.TempDir()
	for name, line := range map[string]string{
		"passwd": fmt.Sprintf("%s:x:%d:%d::/nonexistent:/bin/sh\n", testUser, testUID, testUID),
		"group":  fmt.Sprintf("%s:x:%d:\n", testUser, testUID),
		"subuid": subordinates,
		"subgid": subordinates,
	} {
		have, err := os.ReadFile(filepath.Join("/etc", name))
		must(t, err)
		must(t, os.WriteFile(filepath.Join(dir, name), append([]byte(line), have...), 0o644))
	}
	return dir
}
