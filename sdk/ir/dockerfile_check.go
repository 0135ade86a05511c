// SPDX-License-Identifier: Apache-2.0

package ir

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// isText says whether a Dockerfile may hold s.
func isText(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

// isTrimmed says whether s begins and ends with no white space of Unicode.
func isTrimmed(s string) bool { return strings.TrimFunc(s, unicode.IsSpace) == s }

// checkComment refuses a comment that would be read as another one: the space
// around each line is dropped.
func (r *renderer) checkComment(comment string) {
	for line := range strings.SplitSeq(comment, "\n") {
		if !isText(line) || !isTrimmed(line) {
			r.cannot(nil, "the comment "+quote(line)+", which is no text or has blanks at its ends", "")
			return
		}
	}
}

// checkLine refuses text that would not be one line.
func (r *renderer) checkLine(line string) {
	switch {
	case strings.ContainsAny(line, "\n\r"):
		r.cannot(nil, "a line break inside an instruction", "use a here-document for a command of several lines")
	case !isText(line):
		r.cannot(nil, "bytes that are no UTF-8 text", "")
	case strings.HasSuffix(line, r.escape) && !strings.HasSuffix(line, r.escape+r.escape):
		r.cannot(nil, "an instruction that ends in the escape character", "")
	}
}

// checkBody refuses a here-document that would be read as another one.
func (r *renderer) checkBody(h *irv1.Heredoc) {
	if !isText(h.Content) || strings.HasSuffix(h.Name, "\r") {
		r.cannot(h.Range, "the here-document "+quote(h.Name)+", which is no UTF-8 text", "")
		return
	}
	for line := range strings.Lines(h.Content) {
		switch {
		case strings.TrimRight(line, "\r\n") == h.Name:
			r.cannot(h.Range, "a here-document that holds a line with its own name, "+quote(h.Name), "")
			return
		case h.StripTabs && line[0] == '\t':
			r.cannot(h.Range, "a here-document without leading tabs that has them, "+quote(h.Name), "")
			return
		}
	}
}
