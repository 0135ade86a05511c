// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// remapVariable makes this executable a wrapper of rustc: see wrapRustc. It
// holds "from=to" pairs, separated by remapSeparator.
const (
	remapVariable  = "WASM_LANG_RUST_REMAP"
	remapSeparator = "\x1f"
)

// wrapRustc does nothing in an ordinary process. In one that cargo started as
// its RUSTC_WRAPPER it runs rustc, told to write other names for the folders
// that differ between machines, and does not return.
//
// A wrapper does this and not RUSTFLAGS, because those would hide the flags in
// the project's own configuration, and because cargo names what it makes after
// them.
func wrapRustc() {
	remap, ok := os.LookupEnv(remapVariable)
	if !ok || len(os.Args) < 2 {
		return
	}
	cmd := exec.Command(os.Args[1], remapped(os.Args[2:], remap)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
	if code := cmd.ProcessState.ExitCode(); code >= 0 {
		os.Exit(code)
	}
	fmt.Fprintln(os.Stderr, "error: rustc was ended:", cmd.ProcessState)
	os.Exit(1)
}

// remapped adds the flags to a compilation. Questions are passed on as they
// are: cargo keeps the answers.
func remapped(args []string, remap string) []string {
	if !slices.Contains(args, "--crate-name") {
		return args
	}
	for pair := range strings.SplitSeq(remap, remapSeparator) {
		args = append(args, "--remap-path-prefix="+pair)
	}
	return args
}
