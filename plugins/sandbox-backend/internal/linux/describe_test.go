// SPDX-License-Identifier: Apache-2.0

//go:build system && linux

package linux

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

// described is what the driver says, a line for each thing.
func described(t testing.TB) string {
	t.Helper()
	d, err := New().Describe(context.Background())
	must(t, err)
	var b strings.Builder
	p := d.Platforms[0]
	fmt.Fprintln(&b, "platform", p.Platform.Os+"/"+p.Platform.Architecture, p.Run == backendv1.RunMode_RUN_MODE_NATIVE)
	for _, s := range d.Subtracted {
		fmt.Fprintf(&b, "%s: %s: %s; %s\n", s.Feature, s.Reason, s.Message, s.Alternative)
	}
	return b.String()
}

func TestDescribe(t *testing.T) {
	want := "platform linux/" + runtime.GOARCH + " true\n"
	if oneID() {
		want += "exec.user: one-user: only one user is mapped, root, because /etc/subuid has no range for zlayer-test-user; " +
			"as root run \"usermod --add-subuids 100000-165535 --add-subgids 100000-165535 zlayer-test-user\", or build as root\n"
	}
	if got := described(t); got != want {
		t.Errorf("described:\n%s\nwant\n%s", got, want)
	}
	if os.Geteuid() == 0 {
		return
	}
	t.Setenv("PATH", "/nonexistent")
	if got := described(t); !strings.Contains(got, "exec.user: one-user: only one user is mapped, root, because the program newuidmap is missing; install the package uidmap") {
		t.Errorf("described:\n%s", got)
	}
}

// describeEnv makes TestDescribeHere print what is described.
const describeEnv = "ZLAYER_TEST_DESCRIBE"

// TestDescribeHere is not a test by itself.
func TestDescribeHere(t *testing.T) {
	if os.Getenv(describeEnv) != "" {
		fmt.Print(described(t))
	}
}

func TestDescribePoorMachines(t *testing.T) {
	self, err := os.Executable()
	must(t, err)
	for name, c := range map[string]struct{ prepare, reason, alternative string }{
		"no user namespaces": {"echo 0 >/proc/sys/user/max_user_namespaces", "no-user-namespace", "sysctl user.max_user_namespaces"},
		"hidden proc":        {"mount -t tmpfs none /proc/fs", "no-sandbox", "systempaths=unconfined"},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command("unshare", "--user", "--map-root-user", "--mount", "--", "sh", "-euc", c.prepare+`; exec "$0" -test.run=^TestDescribeHere$`, self)
			cmd.Env = append(os.Environ(), describeEnv+"=1")
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			for _, f := range features {
				if !strings.Contains(string(out), f+": "+c.reason+": ") {
					t.Errorf("%s is not subtracted:\n%s", f, out)
				}
			}
			if !strings.Contains(string(out), c.alternative) || !strings.HasPrefix(string(out), "platform linux/"+runtime.GOARCH+" false\n") {
				t.Errorf("described:\n%s", out)
			}
		})
	}
}
