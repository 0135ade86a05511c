// SPDX-License-Identifier: Apache-2.0

//go:build system

package supervisor_test

import (
	"context"
	"fmt"
	"os"
	osexec "os/exec"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/supervisor"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

// described is what the backend says that it cannot do here, a line for each
// feature.
func described(t testing.TB) string {
	t.Helper()
	b := &supervisor.Backend{Features: []string{"copy", "exec"}}
	d, err := b.Describe(context.Background(), nil)
	must(t, err)
	var text strings.Builder
	for _, s := range d.Subtracted {
		fmt.Fprintf(&text, "%s: %s: %s; %s\n", s.Feature, s.Reason, s.Message, s.Alternative)
	}
	return text.String()
}

// each is a sentence of both features.
func each(why string) string { return "copy: " + why + "\nexec: " + why + "\n" }

func TestDescribe(t *testing.T) {
	want := ""
	if os.Getenv(userEnv) == "without" {
		want = each("no-subordinate-ids: /etc/subuid has no range for zlayer-test-user, which building without root needs; " +
			"as root run \"usermod --add-subuids 100000-165535 --add-subgids 100000-165535 zlayer-test-user\", " +
			"build as root, or use sandbox-backend, which does with one id")
		_, err := new(supervisor.Backend).Build(context.Background(), &backendv1.Start{}, nil)
		if err == nil || !strings.Contains(err.Error(), "/etc/subuid has no range") {
			t.Errorf("a build ended with %v", err)
		}
	}
	if got := described(t); got != want {
		t.Errorf("described:\n%s\nwant\n%s", got, want)
	}
	if os.Geteuid() == 0 {
		return
	}
	t.Setenv("PATH", "/nonexistent")
	if got := described(t); !strings.Contains(got, "copy: no-newuidmap: ") || !strings.Contains(got, "; install the package uidmap") {
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

// Root of a namespace may have all capabilities, and but one id.
func TestDescribeOneID(t *testing.T) {
	self, err := os.Executable()
	must(t, err)
	cmd := osexec.Command("unshare", "--user", "--map-root-user", "--", self, "-test.run=^TestDescribeHere$")
	cmd.Env = append(os.Environ(), describeEnv+"=1")
	out, err := cmd.CombinedOutput()
	must(t, err)
	if !strings.Contains(string(out), "exec: one-user: root is the only user") {
		t.Errorf("described:\n%s", out)
	}
}
