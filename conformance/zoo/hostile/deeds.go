// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"strconv"
	"unsafe"
)

// recurse calls itself without end, with large frames: stacks of many small
// ones take Go long to move.
func recurse(n int) int {
	var frame [64 << 10]byte
	frame[n%len(frame)] = byte(n)
	return recurse(n+1) + int(frame[n%7]) //nolint:staticcheck // it is to have no end
}

// allocate takes so many MiB of memory and writes to all pages of them.
func allocate(text string) error {
	size, err := strconv.Atoi(text)
	if err != nil {
		return err
	}
	taken := make([]byte, size<<20)
	for i := 0; i < len(taken); i += 4 << 10 {
		taken[i] = 1
	}
	fmt.Fprintln(os.Stderr, "took", len(taken), "bytes")
	return nil
}

// trap reads 2 GiB behind what it has.
func trap() {
	here := byte(0)
	fmt.Fprintln(os.Stderr, *(*byte)(unsafe.Add(unsafe.Pointer(&here), 1<<31)))
}

func exit(text string) error {
	code, err := strconv.Atoi(text)
	if err == nil {
		os.Exit(code)
	}
	return err
}
