// SPDX-License-Identifier: Apache-2.0

// Package parity holds the proof that a frontend is a function of its request
// (SPEC F5): wazero, wasmtime and the native program give the same bytes for
// the frontend vectors and for thousands of mutations of them. It needs
// bin/wasmtime-run, which "make wasmtime" builds.
//
// A mutation is reported with the seed; -args -seed N -mutations N runs it
// again.
package parity
