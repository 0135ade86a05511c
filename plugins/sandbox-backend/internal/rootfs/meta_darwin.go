// SPDX-License-Identifier: Apache-2.0

package rootfs

import "strings"

// kept says whether a layer holds an attribute and a file on disk has it. Not
// kept is what the system adds by itself: quarantine, provenance and the like.
func kept(name string) bool {
	return !strings.HasPrefix(name, "com.apple.") && !strings.HasPrefix(name, "security.") && !strings.HasPrefix(name, "trusted.")
}

// plainXattr is the value of an attribute as a layer has it.
func plainXattr(_ string, value []byte) string { return string(value) }

// chown does nothing: all files belong to whoever runs the build.
func chown(spot, uint32, uint32) error { return nil }

// makeFifo makes nothing: macOS has no call for it that is sure not to follow
// a link. The index knows the pipe.
func makeFifo(spot) (bool, error) { return false, nil }

// makeDevice makes nothing: only the superuser can.
func makeDevice(spot, bool, uint32, uint32) (bool, error) { return false, nil }

// isOpaque says that a folder hides what is below it: there is no overlay.
func isOpaque(int) bool { return false }
