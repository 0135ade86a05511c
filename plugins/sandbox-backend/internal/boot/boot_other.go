// SPDX-License-Identifier: Apache-2.0

//go:build !darwin && !linux

package boot

// read returns nothing.
func read() string { return "" }
