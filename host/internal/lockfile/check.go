// SPDX-License-Identifier: Apache-2.0

package lockfile

import (
	"fmt"
)

// check refuses pins that mean nothing. The entries are in order.
func (f *File) check(path string) error {
	for i, e := range f.Plugins {
		problem := e.problem()
		if i > 0 && f.Plugins[i-1].ID == e.ID {
			problem = "it is there twice"
		}
		if problem != "" {
			return &Error{Path: path, Problem: fmt.Sprintf("plugin %q: %s", e.ID, problem), Help: restore}
		}
	}
	return nil
}

// problem says what is wrong with a pin, or "".
func (e Entry) problem() string { return "" }
