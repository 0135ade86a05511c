// SPDX-License-Identifier: Apache-2.0

package expand

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// splitter collects words. A nil splitter collects nothing.
type splitter struct {
	list []string
	word strings.Builder
}

// raw adds text that is never split.
func (w *splitter) raw(s string) {
	if w != nil {
		w.word.WriteString(s)
	}
}

// cooked adds text that is split at white space.
func (w *splitter) cooked(s string) {
	if w == nil {
		return
	}
	for s != "" {
		r, n := utf8.DecodeRuneInString(s)
		if unicode.IsSpace(r) {
			w.flush()
		} else {
			w.word.WriteString(s[:n])
		}
		s = s[n:]
	}
}

// flush ends a word. An empty one, even a quoted one, does not count.
func (w *splitter) flush() {
	if w.word.Len() > 0 {
		w.list = append(w.list, w.word.String())
		w.word.Reset()
	}
}
