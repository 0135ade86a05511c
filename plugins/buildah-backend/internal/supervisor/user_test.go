// SPDX-License-Identifier: Apache-2.0

package supervisor_test

import (
	"os"
	osexec "os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// testUser is made when it is missing, with the subordinate ids that useradd
// gives.
const testUser = "zlayer-test"

// TestAsUser runs all tests again as a user with subordinate ids.
func TestAsUser(t *testing.T) {
	if os.Getenv(rootEnv) == "" || os.Geteuid() != 0 {
		t.Skip("only root can become another user")
	}
	if _, err := osexec.LookPath("newuidmap"); err != nil {
		t.Skip("this machine has no newuidmap")
	}
	u := makeUser(t)
	uid, err := strconv.Atoi(u.Uid)
	must(t, err)
	gid, err := strconv.Atoi(u.Gid)
	must(t, err)

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
	must(t, os.Chown(temp, uid, gid))

	cmd := osexec.Command(program, "-test.skip=^TestAsUser$", "-test.timeout=5m", "-test.v="+strconv.FormatBool(testing.Verbose()))
	cmd.Dir = temp
	cmd.Env = []string{rootEnv + "=1", "PATH=" + os.Getenv("PATH"), "HOME=" + temp, "TMPDIR=" + temp}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	out, err := cmd.CombinedOutput()
	t.Logf("as %s:\n%s", testUser, out)
	if err != nil {
		t.Error(err)
	}
}

func makeUser(t testing.TB) *user.User {
	t.Helper()
	u, err := user.Lookup(testUser)
	if err == nil {
		return u
	}
	if out, err := osexec.Command("useradd", "--no-create-home", testUser).CombinedOutput(); err != nil {
		t.Fatalf("useradd: %v\n%s", err, out)
	}
	t.Cleanup(func() { osexec.Command("userdel", testUser).Run() })
	u, err = user.Lookup(testUser)
	must(t, err)
	return u
}
