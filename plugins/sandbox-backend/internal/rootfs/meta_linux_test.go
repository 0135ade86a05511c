// SPDX-License-Identifier: Apache-2.0

package rootfs

import "testing"

func TestKept(t *testing.T) {
	for name, want := range map[string]bool{
		"user.a": true, "security.capability": true,
		"security.selinux": false, "user.overlay.opaque": false, "trusted.overlay.opaque": false, "trusted.a": false, "system.posix_acl_access": false,
	} {
		if kept(name) != want {
			t.Errorf("%s is kept: %v", name, !want)
		}
	}
}

// TestCapabilitiesOfANamespace: a layer does not say in which namespace its
// capabilities were set.
func TestCapabilitiesOfANamespace(t *testing.T) {
	set := "\x01\x00\x00\x03" + "permit-inherits!" + "\xe8\x03\x00\x00"
	want := "\x01\x00\x00\x02" + "permit-inherits!"
	if got := plainXattr(capability, []byte(set)); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := plainXattr(capability, []byte(want)); got != want {
		t.Errorf("%q, want it as it is", got)
	}
	if got := plainXattr("user.a", []byte(set)); got != set {
		t.Errorf("%q, want it as it is", got)
	}
}
