// SPDX-License-Identifier: Apache-2.0

package boot

import "os"

// read returns what the kernel made up when it started (random(4)).
func read() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return string(id)
}
