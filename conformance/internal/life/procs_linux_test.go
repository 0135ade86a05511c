// SPDX-License-Identifier: Apache-2.0

package life

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// A process is seen below the one that started it, also when that has ended.
func TestRunning(t *testing.T) {
	cmd := exec.Command("sleep", "100")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	child, ok := running()[cmd.Process.Pid]
	if !ok || child.parent != os.Getpid() || child.name != "sleep" || !strings.Contains(commandLine(child.pid), "sleep 100") {
		t.Errorf("%+v", child)
	}
	if s := sampleOf(child.pid); s["fds"] < 3 || s["threads"] != 1 || s["rss"] == 0 {
		t.Errorf("%v", s)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if _, ok := running()[cmd.Process.Pid]; ok {
		t.Error("it has ended")
	}
	if len(mountsOf(os.Getpid())) == 0 {
		t.Error("there are no mounts")
	}
}
