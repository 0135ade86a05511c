// SPDX-License-Identifier: Apache-2.0

//go:build system

package conformance_test

import (
	"os"
	"os/exec"
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

// zoo builds one of the zoo's proxies.
func zoo(t *testing.T, name string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "zoo")
	if out, err := exec.Command("go", "build", "-o", path, "./zoo/"+name).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}
