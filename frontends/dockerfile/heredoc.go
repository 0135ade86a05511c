// SPDX-License-Identifier: Apache-2.0

package dockerfile

import "strings"

// A heredoc is a here-document: a word like 3<<-"EOF" of an instruction, and
// the lines after the instruction up to one that holds only its name.
type heredoc struct {
	name   string
	expand bool
	strip  bool
	fd     uint32
	word   span // in line.text
	body   span // in the source, whole lines
	closer span // in the source: the line that holds the name
}

// heredocEscape is the escape character of the words that begin here-documents.
// It does not follow the escape directive.
const heredocEscape = '\\'

// takesHeredocs returns the instruction inside in that here-documents of the
// line belong to, or nil.
func (in *instruction) takesHeredocs() *instruction {
	if in.trigger != nil {
		in = in.trigger
	}
	if in.spec == nil || !in.spec.heredocs || in.json != notJSON {
		return nil
	}
	return in
}

// findHeredocs returns the here-documents that text begins. Text whose quotes
// are not closed begins none.
func findHeredocs(text string) []heredoc {
	if !strings.Contains(text, "<<") {
		return nil
	}
	var list []heredoc
	l := lexer{text: text, escape: heredocEscape}
	start := -1 // of the word, or -1 between words
	for {
		t := l.next()
		switch {
		case t.item == lexError:
			return nil
		case t.item == lexEnd:
			return appendHeredoc(list, text, start, len(text))
		case t.item == lexText && len(l.open) == 0 && spaceAt(text, t.start) > 0:
			list = appendHeredoc(list, text, start, t.start)
			start = -1
			continue
		}
		if start < 0 {
			start = t.start
		}
		if t.item == lexText && len(l.open) == 0 && strings.HasPrefix(text[t.start:], "<<") {
			l.pos = skipHeredocBlanks(text, t.start+2)
		}
	}
}

// skipHeredocBlanks moves over the blanks that may stand before the name.
func skipHeredocBlanks(text string, i int) int {
	for i < len(text) && (text[i] == ' ' || text[i] == '\t' || text[i] == '\r') {
		i++
	}
	return i
}

// appendHeredoc appends the here-document that text[start:end] begins, if it
// does.
func appendHeredoc(list []heredoc, text string, start, end int) []heredoc {
	if start < 0 {
		return list
	}
	h := heredoc{word: span{start, end}}
	i := start
	for i < end && isDigit(text[i]) {
		h.fd = min(h.fd*10+uint32(text[i]-'0'), 1<<24)
		i++
	}
	if !strings.HasPrefix(text[i:end], "<<") {
		return list
	}
	i += 2
	if i < end && text[i] == '-' {
		h.strip = true
		i++
	}
	i = skipHeredocBlanks(text[:end], i)
	if strings.IndexByte(text[i:end], '<') >= 0 {
		return list
	}
	if h.name, h.expand = unquoteName(text[i:end]); h.name == "" {
		return list
	}
	return append(list, h)
}

// unquoteName returns the name of a here-document, and whether it was written
// without quotes.
func unquoteName(s string) (name string, plain bool) {
	plain = true
	var b []byte
	for l := (lexer{text: s, escape: heredocEscape}); ; {
		t := l.next()
		switch t.item {
		case lexEnd, lexError:
			return string(b), plain
		case lexQuote:
			plain = false
		case lexEscaped:
			b = append(b, s[t.start+1:t.end]...)
		default:
			b = append(b, s[t.start:t.end]...)
		}
	}
}

// readHeredocs reads the bodies of list from the lines that come next. It
// returns the index of the first one whose end is missing, or -1; then the
// scanner stands where the next instruction seems to be.
func (s *scanner) readHeredocs(list []heredoc) int {
	for i := range list {
		start := s.pos
		if !s.readBody(&list[i]) {
			s.recover(start)
			return i
		}
	}
	return -1
}

// readBody reads up to the line that holds the name.
func (s *scanner) readBody(h *heredoc) bool {
	h.body.start = s.pos
	for s.pos < len(s.src) {
		start := s.pos
		at := s.sourceLine()
		if h.strip {
			at.start = skipTabs(s.src, at)
		}
		if s.src[at.start:at.end] == h.name {
			h.body.end, h.closer = start, at
			return true
		}
	}
	return false
}

func skipTabs(src string, at span) int {
	for at.start < at.end && src[at.start] == '\t' {
		at.start++
	}
	return at.start
}

// maxRecoveries is after how many here-documents without an end the rest of
// the file is given up: looking for an end reads the whole rest each time.
const maxRecoveries = 8

// recover moves back to the first line from start on that looks like an
// instruction, after the end of a here-document was looked for in vain.
func (s *scanner) recover(start int) {
	if s.recoveries++; s.recoveries > maxRecoveries {
		s.pos = len(s.src)
		return
	}
	for s.pos = start; s.pos < len(s.src); {
		before := s.pos
		at := s.sourceLine()
		end := wordEnd(s.src, at.start, at.end)
		if name := s.src[at.start:end]; end < at.end && name == upper(name) && lookup(name) != nil {
			s.pos = before
			return
		}
	}
}

// content returns the body as the IR holds it: without the leading tabs of its
// lines when they are to be stripped.
func (h *heredoc) content(src string) string {
	body := src[h.body.start:h.body.end]
	if !h.strip {
		return body
	}
	b := make([]byte, 0, len(body))
	for len(body) > 0 {
		n := strings.IndexByte(body, '\n') + 1
		b = append(b, strings.TrimLeft(body[:n], "\t")...)
		body = body[n:]
	}
	return string(b)
}
