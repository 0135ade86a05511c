// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/driver"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/none"
)

// The variables that the user may set.
const (
	// driverVariable chooses a driver.
	driverVariable = "SANDBOX_BACKEND_DRIVER"
	// filesVariable chooses how commands get their files.
	filesVariable = "SANDBOX_BACKEND_FILES"
)

// settings are the values of the variables; empty where one is not set.
type settings struct{ driver, files string }

// filesCopy is the value of filesVariable for copies.
const filesCopy = "copy"

// copies says whether every command gets a copy of its files.
func (s settings) copies() (bool, error) {
	switch s.files {
	case "":
		return false, nil
	case filesCopy:
		return true, nil
	}
	return false, fmt.Errorf("%s=%s: there is no such way; leave the variable unset, or set it to %s", filesVariable, s.files, filesCopy)
}

// The names of the drivers.
const (
	nameNone  = "none"
	nameLinux = "linux"
	nameMacOS = "macos"
)

// choose returns the driver of a name; empty is the one of this system, or
// none where nobody has written one.
func choose(name string, features []string) (driver.Driver, error) {
	native, d := nativeDriver()
	switch {
	case name == nameNone:
		return none.Driver{Features: features, Why: driverVariable + "=none switches commands off"}, nil
	case name == "" && native == "":
		return none.Driver{Features: features}, nil
	case name == "" || name == native:
		return d, nil
	case name == nameLinux || name == nameMacOS:
		return nil, fmt.Errorf("%s=%s: that driver is for another system; leave the variable unset, or set it to %s", driverVariable, name, usable(native))
	}
	return nil, fmt.Errorf("%s=%s: there is no such driver; leave the variable unset, or set it to %s", driverVariable, name, usable(native))
}

// usable lists the drivers of this system.
func usable(native string) string {
	if native == "" {
		return nameNone
	}
	return strings.Join([]string{native, nameNone}, " or ")
}
