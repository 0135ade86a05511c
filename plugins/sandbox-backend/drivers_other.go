// SPDX-License-Identifier: Apache-2.0

//go:build !darwin && !linux

package main

import "github.com/zlayer/zlayer/plugins/sandbox-backend/internal/driver"

// nativeMain does nothing: there is no driver.
func nativeMain() {}

// nativeDriver returns the driver of this system and its name; none.
func nativeDriver() (string, driver.Driver) { return "", nil }
