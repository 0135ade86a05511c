// SPDX-License-Identifier: Apache-2.0

package rootfs

import "github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"

// newOverlay says that there is none.
func newOverlay(*Root, []layer.Source) (view, error) {
	return nil, &refusal{reason: "macOS has no overlay"}
}
