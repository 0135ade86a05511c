// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"errors"
	"syscall"
	"testing"
)

func TestHeard(t *testing.T) {
	full := errors.New("unpacking failed (error: exit status 1; output: open /f: no space left on device)")
	if err := heard(full); !errors.Is(err, syscall.ENOSPC) || !errors.Is(err, full) || err.Error() != full.Error() {
		t.Errorf("%v", err)
	}
	if err := heard(errors.New("write /f: disk quota exceeded")); !errors.Is(err, syscall.EDQUOT) {
		t.Errorf("%v", err)
	}
	if other := errors.New("open /f: permission denied"); heard(other) != other {
		t.Error("an error became another")
	}
}
