// SPDX-License-Identifier: Apache-2.0

//go:build system && linux

package linux

import (
	"context"
	"os"
	"os/exec"
	"testing"
)

// What a command costs over itself, and where that goes: the program itself,
// executing this one again, an inner process that does nothing, one with a jail
// but no file tree.
func BenchmarkCost(b *testing.B) {
	maps, err := findMaps()
	must(b, err)
	for name, r := range map[string]request{"inner": {Network: true}, "jail": {Network: true, Probe: true}} {
		r.OneID = maps.oneID()
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if got, err := run(context.Background(), maps, r, nil, nil); err != nil || got.Err != "" {
					b.Fatal(got, err)
				}
			}
		})
	}
	b.Run("program", func(b *testing.B) {
		for b.Loop() {
			must(b, exec.Command("/bin/busybox", "true").Run())
		}
	})
	b.Run("reexec", func(b *testing.B) {
		for b.Loop() {
			cmd := exec.Command("/proc/self/exe")
			cmd.Args, cmd.Env = []string{innerName}, append(os.Environ(), exitEnv+"=1")
			must(b, cmd.Run())
		}
	})
	b.Run("true", func(b *testing.B) {
		r := newRig(b)
		r.ok("true")
		for b.Loop() {
			r.ok("true")
		}
	})
}

// exitEnv makes a test process end as soon as main begins.
const exitEnv = "ZLAYER_TEST_EXIT"
