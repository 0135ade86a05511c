// SPDX-License-Identifier: Apache-2.0

package driver

import "context"

// Sweeper is implemented by a Driver that keeps files in Command.State.
type Sweeper interface {
	// Sweep removes what the driver keeps of layers that are not wanted, and
	// what dead processes left there. state is Command.State; no command runs
	// meanwhile.
	Sweep(ctx context.Context, state string, keep func(digest string) bool) error
}
