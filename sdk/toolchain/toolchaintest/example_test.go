// SPDX-License-Identifier: Apache-2.0

package toolchaintest_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/sdk/toolchain/toolchaintest"
)

// The tests of a backend for one more language, here "zig".
func Example() {
	kit := &toolchaintest.Kit{Backend: zigBackend{}, Language: "zig"}
	update := flag.Bool("update", false, "rewrite the want sections of testdata")
	hello := map[string]string{"main.zig": "pub fn main() void {}\n"}

	TestMain := func(m *testing.M) { os.Exit(kit.Main(m)) }

	// Describe and Build name the same compiler, and the module is a command.
	TestHello := func(t *testing.T) {
		kit.Tools(t, kit.Start(t, toolchaintest.Project(t, hello)))
	}
	// Each file of testdata is a project and what a user reads.
	TestFailures := func(t *testing.T) {
		kit.Failures(t, *update)
	}
	// A compiler that is too old, and one that never ends.
	TestMachine := func(t *testing.T) {
		toolchaintest.Programs(t, map[string]string{"zig": "echo 0.9.0"})
		f := kit.Missing(t, kit.Start(t, toolchaintest.Project(t, hello)))
		if !strings.Contains(f.Help, "https://ziglang.org/download") {
			t.Error(f.Help)
		}
	}
	TestCancel := func(t *testing.T) {
		toolchaintest.Programs(t, map[string]string{"zig": "[ $1 = version ] && echo 0.15.2 || exec /bin/sleep 6002"})
		asleep := func() bool { return len(toolchaintest.Running(t, "/bin/sleep 6002")) > 0 }
		kit.Cancel(t, kit.Start(t, toolchaintest.Project(t, hello)), asleep)
		if asleep() {
			t.Error("the compiler still runs")
		}
	}
	TestLife := func(t *testing.T) { kit.Life(t, kit.Start(t, toolchaintest.Project(t, hello))) }
	TestManifest := func(t *testing.T) { kit.Manifest(t, "PATH", "HOME") }

	_, _, _, _, _, _, _ = TestMain, TestHello, TestFailures, TestMachine, TestCancel, TestLife, TestManifest
}
