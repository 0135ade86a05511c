// SPDX-License-Identifier: Apache-2.0

package images

import (
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/zlayer/zlayer/host/internal/registry"
)

// fullAt is how many bytes of a file fit on the "full disk".
const fullAt = 600

// fillDisk lets every later write of this process end after some bytes, with
// an error: the nearest to a full disk that needs no privilege.
func fillDisk() {
	signal.Ignore(syscall.SIGXFSZ)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: fullAt, Max: fullAt}); err != nil {
		panic(err)
	}
}

func TestFullDisk(t *testing.T) {
	s := openStore(t, registry.Options{})
	cmd := other(s.Dir(), "full")
	cmd.Env = append(cmd.Env, "ZLAYER_TEST_FULL=1")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "file too large") {
		t.Fatalf("the other process wrote everything: %v: %s", err, out)
	}
	list, err := s.List()
	if err != nil || len(list) == 0 {
		t.Fatalf("%d images can be read: %v", len(list), err)
	}
	for _, img := range list {
		checkLayout(t, s.Dir(), img.Digest)
	}
	if left, _ := os.ReadDir(s.path(tempDir)); len(left) != 0 {
		t.Errorf("temporary files are left: %v", left)
	}
	if err := useStore(s.Dir(), "afterwards"); err != nil {
		t.Error(err)
	}
}
