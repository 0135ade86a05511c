// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/driver"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/linux"
)

// nativeMain does the work of a process that the driver started, and does not
// return in one.
func nativeMain() { linux.Main() }

// nativeDriver returns the driver of this system and its name.
func nativeDriver() (string, driver.Driver) { return nameLinux, linux.New() }
