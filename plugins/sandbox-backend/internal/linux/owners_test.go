// SPDX-License-Identifier: Apache-2.0

//go:build system && linux

package linux

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/driver"
	sdk "github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

// TestOwnedByOthers: with one id that is refused as what the machine lacks, and
// the way out is named.
func TestOwnedByOthers(t *testing.T) {
	r := newRig(t)
	for _, m := range []driver.Mount{
		{Target: "/c", Folder: &driver.Folder{Path: filepath.Join(r.dir, "caches", "c"), Mode: 0o755, UID: 33, GID: 34}},
		{Target: "/s", Secret: &driver.Secret{Data: []byte("s"), Mode: 0o400, GID: 34}},
	} {
		got := r.run("stat -c %u:%g "+m.Target, func(c *driver.Command) { c.Mounts = []driver.Mount{m} })
		if !oneID() {
			if want := map[string]string{"/c": "33:34\n", "/s": "0:34\n"}[m.Target]; got.failure != nil || got.out != want {
				t.Errorf("%s: %q, %v", m.Target, got.out, got.failure)
			}
			continue
		}
		var f *sdk.Failure
		if !errors.As(got.failure, &f) || f.Kind != backendv1.FailureKind_FAILURE_KIND_MACHINE ||
			!strings.Contains(f.Message, "only one user is mapped") || !strings.Contains(f.Help, "usermod") {
			t.Errorf("%s: %v", m.Target, got.failure)
		}
	}
}

// TestChown: a command that cannot give a file away fails with the way out.
func TestChown(t *testing.T) {
	got := newRig(t).run("touch /f && chown 33:34 /f")
	var exit *driver.ExitError
	switch {
	case !oneID():
		if got.failure != nil {
			t.Error(got.failure)
		}
	case !errors.As(got.failure, &exit) || !strings.Contains(exit.Help, "another owner") || !strings.Contains(exit.Help, "usermod"):
		t.Errorf("%#v", got.failure)
	}
}
