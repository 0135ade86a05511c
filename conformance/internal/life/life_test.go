// SPDX-License-Identifier: Apache-2.0

package life

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/zlayer/zlayer/conformance/vectors"
)

// The scripts of the project are played by what knows them, in an order in
// which each comes after what it builds on.
func TestScripts(t *testing.T) {
	lives, err := vectors.Lives()
	if err != nil {
		t.Fatal(err)
	}
	placed := map[string]bool{}
	for _, l := range inOrder(lives) {
		if err := check(l); err != nil {
			t.Errorf("%s: %v", l.Name, err)
		}
		for _, before := range l.After {
			if !placed[before] {
				t.Errorf("%s comes before %s", l.Name, before)
			}
		}
		placed[l.Name] = true
	}
	if len(placed) != len(lives) {
		t.Errorf("%d of %d scripts are left", len(placed), len(lives))
	}
}

func TestCheckRefuses(t *testing.T) {
	for _, script := range []string{"fly", "times 2", "again", "times 2\ntimes 2\nagain\nagain"} {
		l, err := vectors.ParseLife("n", []byte("About.\nexpect: ok\n-- script --\n"+script+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		if check(l) == nil {
			t.Errorf("no error for %q", script)
		}
	}
}

func TestWords(t *testing.T) {
	w := words{"ok", "as", "one", "no-cache", "pad=2k"}
	if name := w.value("as", "it"); name != "one" {
		t.Errorf("name %q", name)
	}
	if !w.flag("no-cache") || w.flag("no-cache") {
		t.Error("a flag is there, and then it is not")
	}
	text, ok := w.setting("pad")
	if n, err := amount(text); !ok || err != nil || n != 2048 {
		t.Errorf("%d, %v", n, err)
	}
	if w.next() != "ok" || w.next() != "" || len(w) > 0 {
		t.Errorf("left: %q", w)
	}
	if _, err := amount("much"); err == nil {
		t.Error("much is a number")
	}
}

func TestFits(t *testing.T) {
	for _, test := range []struct {
		want, class, details string
		fits                 bool
	}{
		{"ok", "ok", "", true}, {"ok", "source", "exit 1", false},
		{"machine|internal", "internal", "exit 0", true}, {"machine|internal", "source", "exit 0", false},
		{"source exit 7 step 0.1", "source", "exit 7 step 0.1", true}, {"source exit 7", "source", "exit 7 step 0.1", true},
		{"source exit 7", "source", "exit 70", false}, {"source step 0.1", "source", "exit 7", false},
	} {
		if got := fits(test.want, test.class, test.details); got != test.fits {
			t.Errorf("%+v: %t", test, got)
		}
	}
}

func TestHolder(t *testing.T) {
	dir := t.TempDir()
	// The text lies across the border of two pieces.
	data := slices.Concat(make([]byte, 1<<20-3), []byte("a secret"), make([]byte, 100))
	for name, data := range map[string][]byte{"other": []byte("secre"), "deep": data} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := holder(dir, "a secret"); filepath.Base(got) != "deep" {
		t.Errorf("got %q", got)
	}
	if got := holder(dir, "another"); got != "" {
		t.Errorf("got %q", got)
	}
	if got := holder(dir, "othe"); filepath.Base(got) != "other" {
		t.Errorf("got %q", got)
	}
}
