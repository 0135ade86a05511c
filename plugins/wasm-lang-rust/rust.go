// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/toolchain"
)

const (
	// target is rustc's name for WASI preview1.
	target = "wasm32-wasip1"
	// oldestRust is the first minor release of Rust 1 with that name.
	oldestRust = 78
)

const (
	helpInstall = "install Rust from https://rustup.rs, then run: rustup target add " + target
	helpTarget  = "install it with your system's packages (libstd-rust-dev-wasm32 on Debian 13 or newer), or install Rust from https://rustup.rs and run: rustup target add " + target
)

// passed are the variables that every run gets from the backend's own
// environment: where the user's files and toolchains are, and how to reach
// registries. What changes the module is only in flagsVariable.
var passed = []string{
	"PATH", "HOME", "USER", "NETRC", "SSL_CERT_FILE", "SSL_CERT_DIR",
	"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy",
	"RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "RUSTUP_DIST_SERVER", "RUSTUP_UPDATE_ROOT", "RUSTUP_AUTO_INSTALL",
	"CARGO_HOME", "CARGO_HTTP_*", "CARGO_NET_*", "CARGO_REGISTRIES_*", "CARGO_REGISTRY_*",
	flagsVariable,
}

const (
	// flagsVariable is honoured because a standard library that is not
	// rustc's own can be named in no other way: --sysroot.
	flagsVariable = "RUSTFLAGS"
	// rustcVariable names another rustc than the one on PATH.
	rustcVariable = "RUSTC"
)

// rust is a toolchain that can build for the target.
type rust struct {
	cargo, rustc string // absolute
	version      string // "rustc 1.95.0 (…)"
	identity     string // of all of it, for build keys
}

// findRust finds the toolchain that is used in a folder; "" is any folder
// without a rust-toolchain.toml. One that cannot build for the target is a
// failure of the machine.
func findRust(ctx context.Context, dir string) (rust, error) {
	r := rust{}
	var err error
	if r.cargo, err = toolchain.Find("cargo", helpInstall); err != nil {
		return r, err
	}
	if r.rustc, err = toolchain.Find(cmp.Or(os.Getenv(rustcVariable), "rustc"), helpInstall); err != nil {
		return r, err
	}
	if dir == "" {
		dir = os.TempDir()
	}
	cargo, err := ask(ctx, dir, r.cargo, "-V")
	if err != nil {
		return r, err
	}
	verbose, err := ask(ctx, dir, r.rustc, "-vV")
	if err != nil {
		return r, err
	}
	r.version, _, _ = strings.Cut(verbose, "\n")
	r.identity = fmt.Sprintf("%s, %s", r.version, cargo)
	return r, r.check(ctx, dir)
}

// check says what is missing to build for the target.
func (r rust) check(ctx context.Context, dir string) error {
	if minor, ok := minorRelease(r.version); ok && minor < oldestRust {
		f := backend.Machinef(nil, "%s is %s, and Rust 1.%d or newer is needed", r.rustc, r.version, oldestRust)
		f.Help = "run: rustup update; or install a newer Rust from https://rustup.rs"
		return f
	}
	args := append(strings.Fields(os.Getenv(flagsVariable)), "--print=target-libdir", "--target="+target)
	lib, err := ask(ctx, dir, r.rustc, args...)
	if err != nil {
		return err
	}
	if std, _ := filepath.Glob(filepath.Join(lib, "libstd-*.rlib")); len(std) > 0 {
		return nil
	}
	f := backend.Machinef(nil, "%s (%s) has no standard library for %s", r.rustc, r.version, target)
	f.Help = helpFor(lib)
	return f
}

// helpFor says how to get the standard library that is not in lib.
func helpFor(lib string) string {
	_, rest, managed := strings.Cut(filepath.ToSlash(lib), "/toolchains/")
	if _, err := exec.LookPath("rustup"); err != nil || !managed {
		return helpTarget
	}
	name, _, _ := strings.Cut(rest, "/")
	return fmt.Sprintf("run: rustup target add %s --toolchain %s", target, name)
}

// minorRelease returns the 95 of "rustc 1.95.0 (…)". ok is false for a version
// of another shape.
func minorRelease(version string) (minor int, ok bool) {
	_, rest, ok := strings.Cut(version, "rustc 1.")
	text, _, _ := strings.Cut(rest, ".")
	minor, err := strconv.Atoi(text)
	return minor, ok && err == nil
}

// ask runs a program that answers a question, in a folder.
func ask(ctx context.Context, dir, program string, args ...string) (string, error) {
	return toolchain.Ask(ctx, toolchain.Command{Path: program, Args: args, Dir: dir, Env: toolchain.Environ(passed...)})
}
