// SPDX-License-Identifier: Apache-2.0

package vectors_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/conformance/vectors"
)

func TestHosts(t *testing.T) {
	all, err := vectors.Hosts()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 40 {
		t.Errorf("only %d vectors", len(all))
	}
	for _, h := range all {
		if !kebab.MatchString(h.Name) || !strings.HasSuffix(h.About, ".") || len(h.Spec) == 0 {
			t.Errorf("%s: %q, about %q", h.Name, h.About, h.Spec)
		}
		if n := len(h.Content()); h.Size > 0 && n != h.Size {
			t.Errorf("%s: the build file has %d bytes, not %d", h.Name, n, h.Size)
		}
	}
}

func TestParseHost(t *testing.T) {
	h, err := vectors.ParseHost("x", []byte(`About it.
expect: ok
size: 120
-- @frontend --
# A comment.
answer 2 {1 "a\n"*2}
stderr "x\x00"
look clock
-- @want --
done
the clock stands still
`))
	if err != nil {
		t.Fatal(err)
	}
	want := `answer "\x12\x06\n\x04a\na\n"` + "\n" + `stderr "x\x00"` + "\nlook clock\n"
	if got := string(h.Content()); !strings.HasPrefix(got, want+"###") || len(got) != 120 || strings.Trim(got[len(want):], "#\n") != "" {
		t.Errorf("got %q, want %q", got, want)
	}
	if !slices.Equal(h.Want, []string{"done", "the clock stands still"}) {
		t.Errorf("it wants %q", h.Want)
	}
}

func TestParseHostRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"x\nexpect: well\n-- @frontend --\nreport\n": "want one of",
		"x\nexpect: ok\n":                                   "nothing says what",
		"x\nexpect: ok\nmodule: odd\n":                      "want changed, missing or text",
		"x\nexpect: ok\nsize: big\n":                        "invalid syntax",
		"x\nexpect: ok\n-- @frontend --\nraw \"x\" 3\n":     "one too many",
		"x\nexpect: ok\n-- @frontend --\n\nanswer 2 {1 2\n": "line 2",
	} {
		if _, err := vectors.ParseHost("x", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
