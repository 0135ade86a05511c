// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package images

import (
	"os"
	"time"
)

// guard does nothing: a lock would forbid to write and to rename, and an open
// file cannot be removed anyway.
func guard(string) (letGo func(), err error) { return func() {}, nil }

// youngest is how old a temporary file is at least that is of a dead process:
// one that was just closed, to be renamed, is younger.
const youngest = time.Hour

// removeDead removes a temporary file that is old and that nobody has open.
func removeDead(path string) {
	if info, err := os.Stat(path); err == nil && time.Since(info.ModTime()) > youngest {
		_ = os.Remove(path)
	}
}

// syncDir does nothing: the system has no such call, and keeps the order of
// changes in its journal.
func syncDir(string) error { return nil }
