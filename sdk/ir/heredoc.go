// SPDX-License-Identifier: Apache-2.0

package ir

import (
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// soleHeredoc returns the here-document that is the whole command, as in
// "RUN <<EOF", or nil. Its body is what runs; a here-document beside a command
// is that command's input instead.
func soleHeredoc(c *irv1.Command) *irv1.Heredoc {
	if !c.GetShell() || len(c.GetHeredocs()) == 0 || len(c.GetWords()) != 1 {
		return nil
	}
	line := strings.TrimLeft(c.Words[0].GetText(), "0123456789")
	rest, ok := strings.CutPrefix(line, "<<")
	if !ok || strings.Contains(rest, "<") || !isOneWord(strings.TrimPrefix(rest, "-")) {
		return nil
	}
	return c.Heredocs[0]
}

// interpreterScript returns the body of a command's sole here-document when it
// starts with an interpreter line, else "".
func interpreterScript(c *irv1.Command) string {
	h := soleHeredoc(c)
	if h == nil || !strings.HasPrefix(h.Content, "#!") {
		return ""
	}
	return h.Content
}

// isOneWord says whether a shell would take s as exactly one word.
func isOneWord(s string) bool {
	var quote byte
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && quote != '\'':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"', c == '\'':
			quote = c
		case isBlank(c):
			return false
		}
	}
	return s != ""
}

// isBlank says whether c separates words.
func isBlank(c byte) bool {
	switch c {
	case ' ', '\t', '\n', '\r', '\v', '\f':
		return true
	}
	return false
}
