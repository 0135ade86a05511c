// SPDX-License-Identifier: Apache-2.0

//go:build unix

package serve

import "syscall"

// closeOnExec keeps a file descriptor from the programs the backend runs.
func closeOnExec(fd uint64) { syscall.CloseOnExec(int(fd)) }
