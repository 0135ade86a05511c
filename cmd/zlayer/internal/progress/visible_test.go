// SPDX-License-Identifier: Apache-2.0

package progress_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/zlayer/zlayer/cmd/zlayer/internal/progress"
	"github.com/zlayer/zlayer/host"
)

func TestVisible(t *testing.T) {
	for text, want := range map[string]string{
		"plain\ttext\nßü…":                     "plain\ttext\nßü…",
		"\x1b[1;31merror\x1b[0m: x":            "\x1b[1;31merror\x1b[0m: x\x1b[0m",
		"\x1b[31mred":                          "\x1b[31mred\x1b[0m",
		"a\x1b[2J\x1b[H\x1b[3Ab":               "ab",
		"a\x1b]0;title\ab\x1b]52;c;eA==\x1b\\": "ab",
		"a\x1b]0;no end":                       "a",
		"a\x1bc\x1b(0b\x1b":                    "ab",
		"a\x1b[31":                             "a",
		"a\bb\x00\x7f\v\fc":                    "abc",
		"a\u009b31mb\u009d0;x":                 "a31mb0;x",
		"a\u202egnp.exe":                       "agnp.exe",
		"\x1b\x1b[31m[2J":                      "\x1b[31m[2J\x1b[0m",
		"\x1b[\x1b[2J2J":                       "2J",
		"\x1b]\x1b]0;x\a":                      "",
	} {
		if got := progress.Visible(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}

// Nothing but colours is left of orders, and nothing new appears.
func FuzzVisible(f *testing.F) {
	f.Add("a\x1b[31mb\x1b]0;x\a\x1b[2J")
	f.Add("\x1b\x1b[m[0\x1b")
	f.Fuzz(func(t *testing.T, text string) {
		got := progress.Visible(text)
		if progress.Visible(got) != got {
			t.Errorf("%q, then %q", got, progress.Visible(got))
		}
		for rest := got; ; {
			i := strings.IndexByte(rest, '\x1b')
			if i < 0 {
				break
			}
			order, after, ok := strings.Cut(rest[i:], "m")
			if !ok || strings.Trim(order, "\x1b[0123456789;:") != "" {
				t.Errorf("%q has %q", got, order)
			}
			rest = after
		}
		if utf8.ValidString(text) && strings.ContainsAny(got, "\a\b\r\x00\u009b") {
			t.Errorf("%q", got)
		}
	})
}

// Output without line ends takes neither much memory nor much time.
func TestLongLines(t *testing.T) {
	events := []host.Event{started("a", 1, "RUN \x1b]0;x\ayes")}
	const part, parts = 32 << 10, 4096 // 128 MiB
	text := strings.Repeat("x", part)
	for range parts {
		events = append(events, output("a", 1, text))
	}
	got := show("plain", append(events, finished("a", 1, false))...)
	if n := strings.Count(got, "x"); n != part*parts {
		t.Errorf("%d bytes were shown, want %d", n, part*parts)
	}
	for line := range strings.Lines(got) {
		if len(line) > 5*part {
			t.Errorf("a line has %d bytes", len(line))
			break
		}
	}
}
