// SPDX-License-Identifier: Apache-2.0

package dockerfile

import (
	"strings"
	"unicode/utf8"
)

// differs reports whether src holds what the two deliberately read
// differently.
func differs(src string) bool {
	ascii := len(src) == utf8.RuneCountInString(src)
	onbuild := strings.Contains(lower(src), "onbuild") // BuildKit does not look inside
	return onbuild || !ascii && strings.Contains(src, "--") || !utf8.ValidString(src) || strings.ContainsRune(src, 0) || strings.HasPrefix(trimmed(strings.TrimPrefix(src, bom)), "//")
}

// stricter are the codes of errors where BuildKit's instructions package may
// have none, because BuildKit looks at build time, or because we do not agree:
// then deliberate has the reason.
var stricter = []string{
	"bad-variable", "forward-stage", "json-malformed", "invalid-checksum", "invalid-directive", "invalid-mode", "invalid-platform", "invalid-port",
	"invalid-signal", "no-from", "stage-cycle", "unknown-stage", "unterminated-quote", "variable-not-supported",
	"missing-argument", "missing-flag-value", "unknown-flag", "unterminated-heredoc",
}

// laxer reports whether an error of BuildKit is about something we allow.
func laxer(err error) bool { return false }
