// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"strings"
)

// splitWords splits a command line at its spaces. Quotes of either kind hold
// words together; nothing is expanded and nothing else has a meaning.
func splitWords(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	var quote rune
	begun := false
	end := func() {
		if begun {
			words = append(words, word.String())
		}
		word.Reset()
		begun = false
	}
	for _, r := range line {
		switch {
		case quote == 0 && strings.ContainsRune(" \t\n", r):
			end()
		case quote == 0 && (r == '"' || r == '\''):
			quote, begun = r, true
		case r == quote:
			quote = 0
		default:
			word.WriteRune(r)
			begun = true
		}
	}
	if quote != 0 {
		return nil, errors.New("a quote is not closed")
	}
	end()
	return words, nil
}
