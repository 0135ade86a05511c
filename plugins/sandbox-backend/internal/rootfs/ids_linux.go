// SPDX-License-Identifier: Apache-2.0

package rootfs

import "os"

// currentIDs returns the mapping of the user namespace of this process.
func currentIDs() (ids, error) {
	uidMap, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		return ids{}, err
	}
	gidMap, err := os.ReadFile("/proc/self/gid_map")
	if err != nil {
		return ids{}, err
	}
	return newIDs(string(uidMap), string(gidMap))
}
