// SPDX-License-Identifier: Apache-2.0

package boot

import "golang.org/x/sys/unix"

// read returns what the kernel made up when it started. Its time of boot would
// not do: that moves when the clock is set.
func read() string {
	id, err := unix.Sysctl("kern.bootsessionuuid")
	if err != nil {
		return ""
	}
	return id
}
