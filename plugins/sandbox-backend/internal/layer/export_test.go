// SPDX-License-Identifier: Apache-2.0

package layer

import "io"

// IndexAtMost is Index with limits that a test can reach.
func IndexAtMost(r io.Reader, entries, text int) (*Layer, error) {
	return index(r, limits{entries, text, 1 << 20})
}
