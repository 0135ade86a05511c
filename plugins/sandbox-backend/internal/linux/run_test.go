// SPDX-License-Identifier: Apache-2.0

//go:build system && linux

package linux

import "testing"

func TestRun(t *testing.T) {
	r := newRig(t)
	if out := r.ok("echo hello; pwd; cat /srv/file; hostname; id -u"); out != "hello\n/\ncontent\nbuild\n0\n" {
		t.Errorf("output is %q", out)
	}
	r.run("true").want(t)
	r.run("echo x >/srv/new; rm /srv/file; mkdir /made").want(t, "made/", "srv/", "-srv/file", "srv/new")
}
