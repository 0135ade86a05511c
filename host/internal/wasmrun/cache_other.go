// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package wasmrun

// private relies on the permissions of the user's profile.
func private(string) error { return nil }
