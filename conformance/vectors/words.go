// SPDX-License-Identifier: Apache-2.0

package vectors

import (
	"fmt"
	"strconv"
	"strings"
)

// lines calls fn with the words of each line that is neither empty nor begins
// with "#".
func lines(text string, fn func(words []string) error) error {
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		words, err := split(line)
		if err == nil {
			err = fn(words)
		}
		if err != nil {
			return fmt.Errorf("line %d, %s: %w", n, line, err)
		}
	}
	return nil
}

// split cuts a line into words at spaces. A word that begins with a quote is a
// Go string literal: it may hold spaces, \n, \t, \", \\, \xNN and \uNNNN.
func split(line string) ([]string, error) {
	var words []string
	for line = strings.TrimLeft(line, " "); line != ""; line = strings.TrimLeft(line, " ") {
		if line[0] != '"' {
			word, rest, _ := strings.Cut(line, " ")
			words, line = append(words, word), rest
			continue
		}
		quoted, err := strconv.QuotedPrefix(line)
		if err != nil {
			return nil, fmt.Errorf("a quote is not closed")
		}
		word, err := strconv.Unquote(quoted)
		if err != nil {
			return nil, err
		}
		words, line = append(words, word), line[len(quoted):]
	}
	return words, nil
}

// number reads a number and keeps the first error of several.
type number struct{ err error }

func (n *number) parse(text string, base int) int64 {
	v, err := strconv.ParseInt(text, base, 64)
	if n.err == nil && err != nil {
		n.err = err
	}
	return v
}
