// SPDX-License-Identifier: Apache-2.0

//go:build system && linux

package linux

import "testing"

// What a command costs over itself.
func BenchmarkTrue(b *testing.B) {
	r := newRig(b)
	r.ok("true")
	for b.Loop() {
		r.ok("true")
	}
}
