// SPDX-License-Identifier: Apache-2.0

package wasm

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestChanges(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write := func(name, text string) {
		if err := os.WriteFile(at(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(at(name), time.Unix(1, 0), time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"same", "text", "mode", "gone"} {
		write(name, "one")
	}
	if err := os.Symlink("same", at("link")); err != nil {
		t.Fatal(err)
	}
	before := look(dir)
	if got := before.changes(look(dir)); got != nil {
		t.Errorf("nothing was done: %q", got)
	}
	write("text", "two")
	write("new", "")
	for _, err := range []error{os.Chmod(at("mode"), 0o640), os.Remove(at("gone")), os.Remove(at("link")), os.Symlink("text", at("link"))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"changed .", "removed gone", "changed link", "changed mode", "changed text", "made new"}
	if diff := cmp.Diff(want, before.changes(look(dir))); diff != "" {
		t.Error(diff)
	}
}
