// SPDX-License-Identifier: Apache-2.0

// Package expand expands words as Docker does: quotes, escapes and variables
// with the modifiers of ${name…}:
//
//	${v:-word} ${v-word}     word when v is unset (":": or empty)
//	${v:+word} ${v+word}     word when v is set (":": and not empty)
//	${v:?text} ${v?text}     an error when v is unset (":": or empty)
//	${v#pat}   ${v##pat}     v without the shortest (longest) prefix
//	${v%pat}   ${v%%pat}     v without the shortest (longest) suffix
//	${v/pat/to} ${v//pat/to} v with the first (every) match replaced
//
// Words nest. In patterns "*" is any text and "?" any character of one line.
// Positional ($1) and special ($@, $?, …) parameters are variables like
// others; nobody sets them.
//
// It agrees with BuildKit's Dockerfile frontend; conformance/expand_test.go
// holds the proof and the few differences.
package expand

// Env looks up a variable.
type Env func(name string) (value string, ok bool)

// Lex says how words are written. The zero value reads Dockerfile words with
// the usual escape character.
type Lex struct {
	// Escape is the escape character, '\\' or '`'. 0 means '\\'.
	Escape byte
	// KeepQuotes makes quotes ordinary characters, as in the body of a
	// here-document.
	KeepQuotes bool
}

// Result is an expanded word.
type Result struct {
	// Text is the expansion.
	Text string
	// Used and Unset are the names looked up that were set and that were
	// not, each once, in order.
	Used, Unset []string
}

// Error says why a word cannot be expanded.
type Error struct {
	// Offset is where in the word the part starts that is wrong, in bytes.
	Offset int
	// Problem is one sentence: what is wrong.
	Problem string
}

// Error returns the problem.
func (e *Error) Error() string { return e.Problem }

// Word expands text to one word. Its error is an *Error.
func (l Lex) Word(text string, env Env) (Result, error) {
	s := newState(l, text, env)
	out, err := s.until(0, end, false, false)
	if err != nil {
		return Result{}, err
	}
	return Result{Text: out, Used: s.used, Unset: s.unset}, nil
}

// Words expands text and splits it at unquoted space, including space that
// comes from variables. Its error is an *Error.
func (l Lex) Words(text string, env Env) ([]string, Result, error) {
	s := newState(l, text, env)
	s.words = &splitter{}
	out, err := s.until(0, end, false, false)
	if err != nil {
		return nil, Result{}, err
	}
	s.words.flush()
	return s.words.list, Result{Text: out, Used: s.used, Unset: s.unset}, nil
}
