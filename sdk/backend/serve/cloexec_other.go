// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package serve

// closeOnExec does nothing: descriptors are not inherited here.
func closeOnExec(uint64) {}
