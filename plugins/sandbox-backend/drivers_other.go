// SPDX-License-Identifier: Apache-2.0

package main

import "github.com/zlayer/zlayer/plugins/sandbox-backend/internal/driver"

// nativeDriver returns the driver of this system and its name; none.
func nativeDriver() (string, driver.Driver) { return "", nil }
