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

// userEnv says that the tests run as that user.
const userEnv = "ZLAYER_TEST_USER"

// become runs a command as the user, to whom /etc has other files.
const become = `
for file in passwd group subuid subgid; do mount --bind "$ETC/$file" "/etc/$file"; done
unset ETC
exec setpriv --reuid "$0" --regid "$0" --clear-groups -- "$@"
`

// All tests again as a user with subordinate ids.
func TestAsUser(t *testing.T) {
	if os.Getenv(userEnv) != "" {
		return // this is that user
	}
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
		program, "-test.skip=^TestAsUser$", "-test.timeout=10m", "-test.v="+strconv.FormatBool(testing.Verbose()))
	cmd.Dir = temp
	cmd.Env = []string{userEnv + "=1", "PATH=" + os.Getenv("PATH"), "HOME=" + temp, "TMPDIR=" + temp, "ETC=" + userFiles(t)}
	out, err := cmd.CombinedOutput()
	t.Logf("as user %d:\n%s", testUID, out)
	must(t, err)
}

// userFiles makes a folder with the files of /etc that know of users, with the
// user in them.
func userFiles(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for name, line := range map[string]string{
		"passwd": fmt.Sprintf("%s:x:%d:%d::/nonexistent:/bin/sh\n", testUser, testUID, testUID),
		"group":  fmt.Sprintf("%s:x:%d:\n", testUser, testUID),
		"subuid": testUser + ":100000:65536\n",
		"subgid": testUser + ":100000:65536\n",
	} {
		have, err := os.ReadFile(filepath.Join("/etc", name))
		must(t, err)
		must(t, os.WriteFile(filepath.Join(dir, name), append([]byte(line), have...), 0o644))
	}
	return dir
}
