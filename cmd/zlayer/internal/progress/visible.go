// SPDX-License-Identifier: Apache-2.0

package progress

import (
	"regexp"
	"strings"
)

// sequence is what a terminal takes as an order (ECMA-48): control sequences,
// strings such as titles, and all else that begins with an escape. An end may
// be missing.
var sequence = regexp.MustCompile(`\x1b(?:\[[0-?]*[ -/]*[@-~]?|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~]?)`)

// colour is the one order that does no harm: how text looks.
var colour = regexp.MustCompile(`^\x1b\[[0-9;:]*m$`)

const (
	escape = '\x1b'
	plain  = "\x1b[0m"
)

// Visible returns a text without what would have a terminal do something: a
// command or a build file could move the cursor and forge what zlayer says, or
// fill the clipboard. Tabs, line ends and colours stay; colours end with the
// text.
func Visible(text string) string {
	if strings.IndexFunc(text, hidden) < 0 {
		return text
	}
	coloured := false
	text = sequence.ReplaceAllStringFunc(text, func(s string) string {
		if !colour.MatchString(s) {
			return ""
		}
		coloured = true
		return s
	})
	text = strings.Map(func(r rune) rune {
		if hidden(r) && r != escape {
			return -1
		}
		return r
	}, text)
	if coloured && !strings.HasSuffix(text, plain) && !strings.HasSuffix(text, "\x1b[m") {
		text += plain
	}
	return text
}

// hidden says whether a rune is an order and no text: the control characters,
// and those that turn the direction of what follows.
func hidden(r rune) bool {
	switch {
	case r == '\t', r == '\n':
		return false
	case r < ' ', r >= 0x7f && r < 0xa0:
		return true
	}
	return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}
