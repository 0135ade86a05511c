// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package cli

import "os/exec"

// detach does nothing: there are no sessions.
func detach(*exec.Cmd) {}
