// SPDX-License-Identifier: Apache-2.0

package dockerfile

import "unicode/utf8"

// A lexer walks text by Docker's word rules: quotes group, the escape
// character takes the next one literally, and "$" begins a variable, whose
// modifiers hold text of the same rules again. Nesting is kept on a stack of
// its own, so that deep text costs no call stack, and every byte is looked at
// a fixed number of times.
type lexer struct {
	text   string
	escape byte
	// plain says that quotes are characters like others, as they are in
	// here-documents.
	plain bool
	pos   int
	open  []frame
	// err says what is wrong once next has returned lexError, and errAt where.
	err   lexErr
	errAt int
}

// frame is something that is open: '"', '\”, a variable's '}', or the pattern
// of a variable's replacement, '/'. at is where it began.
type frame struct {
	closer byte
	at     int
}

// lexItem is what next finds.
type lexItem int

const (
	lexEnd      lexItem = iota
	lexError            // see err
	lexText             // one character that stands for itself
	lexEscaped          // the escape character and the next one
	lexQuote            // a quote that opens or closes and does not stand for itself
	lexName             // "$name" or "${name": the name is at lexer.name
	lexVariable         // the end of a "${"
	lexModifier         // the modifier of a variable, or what parts its operands
)

// lexErr is what can be wrong with a word.
type lexErr int

const (
	noLexErr lexErr = iota
	openSingleQuote
	openDoubleQuote
	openBrace
	badSubstitution
	badModifier
)

// lexToken is an item and where it stands. For lexName, name is the name.
type lexToken struct {
	item lexItem
	span
	name span
}

// top returns the closer of the innermost open thing, or 0.
func (l *lexer) top() byte {
	if len(l.open) == 0 {
		return 0
	}
	return l.open[len(l.open)-1].closer
}

func (l *lexer) push(closer byte, at int) { l.open = append(l.open, frame{closer, at}) }

func (l *lexer) pop() frame {
	f := l.open[len(l.open)-1]
	l.open = l.open[:len(l.open)-1]
	return f
}

// fail ends the walk.
func (l *lexer) fail(err lexErr, at int) lexToken {
	l.err, l.errAt = err, at
	l.pos = len(l.text)
	l.open = l.open[:0]
	return lexToken{item: lexError, span: span{at, at}}
}

// next returns the next item.
func (l *lexer) next() lexToken {
	if l.err != noLexErr {
		return lexToken{item: lexEnd}
	}
	start := l.pos
	if start == len(l.text) {
		return l.atEnd()
	}
	c, in := l.text[start], l.top()
	switch {
	case in == '\'':
		if c == '\'' {
			l.pop()
			return l.item(lexQuote, 1)
		}
		return l.rune(lexText, 0)
	case in != 0 && c == in: // JSON can say NUL
		return l.closed(in)
	case c == '$':
		return l.dollar()
	case c == l.escape:
		return l.escaped(in == '"')
	case !l.plain && (c == '"' || c == '\'' && in != '"'):
		l.push(c, start)
		return l.item(lexQuote, 1)
	}
	return l.rune(lexText, 0)
}

// item returns an item of n bytes and moves over it.
func (l *lexer) item(kind lexItem, n int) lexToken {
	start := l.pos
	l.pos += n
	return lexToken{item: kind, span: span{start, l.pos}}
}

// rune returns an item of before bytes and one character.
func (l *lexer) rune(kind lexItem, before int) lexToken {
	_, size := utf8.DecodeRuneInString(l.text[l.pos+before:])
	return l.item(kind, before+size)
}

// atEnd returns the end, or what was never closed.
func (l *lexer) atEnd() lexToken {
	if len(l.open) == 0 {
		return lexToken{item: lexEnd, span: span{l.pos, l.pos}}
	}
	switch f := l.pop(); f.closer {
	case '"':
		return l.fail(openDoubleQuote, f.at)
	case '\'':
		return l.fail(openSingleQuote, f.at)
	default:
		return l.fail(openBrace, f.at)
	}
}

// closed handles the character that closes the innermost open thing.
func (l *lexer) closed(closer byte) lexToken {
	f := l.pop()
	switch closer {
	case '"':
		return l.item(lexQuote, 1)
	case '/':
		l.push('}', f.at)
		return l.item(lexModifier, 1)
	}
	return l.item(lexVariable, 1)
}

// escaped handles the escape character. Inside double quotes it only escapes
// itself, the quote and "$"; at the end of the text it stands for nothing.
func (l *lexer) escaped(quoted bool) lexToken {
	if l.pos+1 == len(l.text) {
		return l.item(lexEscaped, 1)
	}
	if n := l.text[l.pos+1]; quoted && n != '"' && n != '$' && n != l.escape {
		return l.item(lexText, 1)
	}
	return l.rune(lexEscaped, 1)
}

// dollar handles "$".
func (l *lexer) dollar() lexToken {
	start := l.pos
	if start+1 < len(l.text) && l.text[start+1] == '{' {
		return l.brace()
	}
	end := l.nameEnd(start + 1)
	if end == start+1 {
		return l.item(lexText, 1)
	}
	l.pos = end
	return lexToken{item: lexName, span: span{start, end}, name: span{start + 1, end}}
}

// brace handles "${" up to and with the modifier.
func (l *lexer) brace() lexToken {
	start := l.pos
	i := start + 2
	if i < len(l.text) && (l.text[i] == '{' || l.text[i] == '}' || l.text[i] == ':') {
		return l.fail(badSubstitution, start)
	}
	end := l.nameEnd(i)
	if end == len(l.text) {
		return l.fail(openBrace, start)
	}
	closer, size := l.modifier(end)
	if size < 0 {
		if end+1 == len(l.text) && l.text[end] == ':' {
			return l.fail(openBrace, start)
		}
		return l.fail(badModifier, end)
	}
	l.push(closer, start)
	l.pos = end + size
	return lexToken{item: lexName, span: span{start, l.pos}, name: span{i, end}}
}

// modifier returns what closes the text after the modifier at i, and the size
// of the modifier, or -1.
func (l *lexer) modifier(i int) (closer byte, size int) {
	switch l.text[i] {
	case '}':
		return '}', 0
	case '+', '-', '?', '#', '%':
		return '}', 1
	case '/':
		if i+1 < len(l.text) && l.text[i+1] == '/' {
			return '/', 2
		}
		return '/', 1
	case ':':
		if i+1 < len(l.text) {
			if c := l.text[i+1]; c == '+' || c == '-' || c == '?' {
				return '}', 2
			}
		}
	}
	return 0, -1
}

// nameEnd returns the end of the variable name at i: letters, digits and "_",
// only digits when it begins with one, or one special parameter.
func (l *lexer) nameEnd(i int) int {
	if i == len(l.text) {
		return i
	}
	switch l.text[i] {
	case '@', '*', '#', '?', '-', '$', '!':
		return i + 1
	}
	digits := isDigit(l.text[i])
	for i < len(l.text) {
		c := l.text[i]
		if !isDigit(c) && (digits || !isLetter(c) && c != '_' && c < utf8.RuneSelf) {
			break
		}
		i++
	}
	return i
}
