// SPDX-License-Identifier: Apache-2.0

package boot_test

import (
	"regexp"
	"runtime"
	"testing"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/boot"
)

func TestID(t *testing.T) {
	id := boot.ID()
	if ok := regexp.MustCompile(`^[0-9a-f]{12}$`).MatchString(id); !ok && (runtime.GOOS == "linux" || runtime.GOOS == "darwin") {
		t.Errorf("the boot is %q", id)
	}
	if again := boot.ID(); again != id {
		t.Errorf("one boot is %q and %q", id, again)
	}
}
