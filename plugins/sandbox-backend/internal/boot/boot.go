// SPDX-License-Identifier: Apache-2.0

// Package boot tells one boot of the machine from another. What was written to
// a file and not flushed is there, whole, as long as the machine runs; after a
// power cut it may not be. So what is kept without flushing belongs to a boot.
package boot

import (
	"crypto/sha256"
	"encoding/hex"
)

// ID names the boot that the machine is in, in letters and digits that can be
// in the name of a file. It is empty where the system does not tell.
func ID() string {
	id := read()
	if id == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:6])
}
