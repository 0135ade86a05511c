// SPDX-License-Identifier: Apache-2.0

package vectors

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestChange(t *testing.T) {
	v, err := ParseContainer("v", []byte("About.\nexpect: ok\nrounds: 3\n-- Dockerfile --\nFROM scratch\n-- f --\none\n-- @more/f --\nold\n"+
		"-- @2/f --\ntwo\n-- @2/@more/d/f --\nnew\n-- @3/f --\nthree\n"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := v.Write(dir); err != nil {
		t.Fatal(err)
	}
	for n, want := range []string{1: "one\n", 2: "two\n", 3: "three\n"} {
		if n == 0 {
			continue
		}
		folders, err := v.Change(dir, n)
		if err != nil || slices.Contains(folders, "context") != (n > 1) || slices.Contains(folders, "more") != (n == 2) {
			t.Errorf("round %d changes %q, %v", n, folders, err)
		}
		data, err := os.ReadFile(filepath.Join(dir, "context", "f"))
		if err != nil || string(data) != want {
			t.Errorf("round %d has %q, %v", n, data, err)
		}
		info, err := os.Stat(filepath.Join(dir, "context", "f"))
		if err != nil || !info.ModTime().Equal(When.Add(time.Duration(n-1)*time.Second)) {
			t.Errorf("round %d: %v, %v", n, info.ModTime(), err)
		}
	}
	for name, want := range map[string]string{"more/f": "old\n", "more/d/f": "new\n"} {
		if data, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(data) != want {
			t.Errorf("%s has %q, %v", name, data, err)
		}
	}
}
