// SPDX-License-Identifier: Apache-2.0

//go:build system

package conformance_test

import (
	"os"
	"path/filepath"
	"testing"
)

// bundle is where make build puts the plugins.
const bundle = "../bin/plugins"

// cacheDir is a folder that the tests of one machine share.
func cacheDir(t *testing.T) string {
	t.Helper()
	dir, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "zlayer-conformance-test")
}
