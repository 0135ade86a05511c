// SPDX-License-Identifier: Apache-2.0

package dockerfile

// An instruction is the concrete syntax of one line: its keyword, its flags
// and the rest, which each instruction reads in its own way.
type instruction struct {
	line *line
	// name is the keyword as written.
	name word
	// spec is what is known of the instruction. Nil: it is unknown.
	spec *spec
	// flags are the words before the arguments that begin with "--", without
	// their quotes.
	flags []word
	// openQuote is the offset of a quote in the flags that nothing closes, or
	// -1.
	openQuote int
	// rest is where the arguments stand, trimmed.
	rest span
	// json says whether the rest is a JSON array, where the instruction takes
	// one, and strings are its elements.
	json    jsonForm
	strings []word
	// heredocs are its here-documents.
	heredocs []heredoc
	// trigger is the instruction inside an ONBUILD.
	trigger *instruction
	// end is where its text ends in the source, here-documents included.
	end int
}

// split takes line[start:end] apart. An ONBUILD holds another instruction; one
// level of it, because a deeper one is refused.
func split(l *line, start int, escape byte, depth int) *instruction {
	text := l.text
	start = skipSpace(text, start, len(text))
	end := trimSpace(text, start, len(text))
	nameEnd := wordEnd(text, start, end)
	in := &instruction{line: l, name: cut(text, start, nameEnd), openQuote: -1}
	in.spec = lookup(in.name.text)
	in.readFlags(nameEnd, end, escape)
	in.end = l.source(start, end).end
	if in.spec == nil {
		return in
	}
	switch {
	case in.spec == onbuild && depth == 0 && in.rest.start < in.rest.end:
		in.trigger = split(l, in.rest.start, escape, depth+1)
	case in.spec.json:
		in.strings, in.json = jsonStrings(text, in.jsonRest())
	}
	return in
}

// jsonRest returns the part of the rest that may be a JSON array. That of
// HEALTHCHECK comes after CMD.
func (in *instruction) jsonRest() span {
	if in.spec != healthcheck {
		return in.rest
	}
	text := in.line.text
	return span{skipBlanks(text, wordEnd(text, in.rest.start, in.rest.end), in.rest.end), in.rest.end}
}

// readFlags reads flags and rest from what follows the keyword. A bare "--"
// ends the flags.
func (in *instruction) readFlags(i, end int, escape byte) {
	text := in.line.text
	for {
		i = skipBlanks(text, i, end)
		if i+1 >= end || text[i] != '-' || text[i+1] != '-' {
			break
		}
		var flag word
		flag, i = in.flag(i, end, escape)
		if flag.text == "--" {
			break
		}
		in.flags = append(in.flags, flag)
	}
	in.rest = span{skipSpace(text, i, end), end}
}

// flag reads one flag word: quotes group and vanish, the escape character
// takes the next one literally.
func (in *instruction) flag(start, end int, escape byte) (word, int) {
	text := in.line.text
	i := start
	for i < end && !isBlank(text[i]) && text[i] != '"' && text[i] != '\'' && text[i] != escape {
		i++
	}
	if i == end || isBlank(text[i]) {
		return cut(text, start, i), i
	}
	var u unquoted
	for j := start; j < i; j++ {
		u.add(text, j)
	}
	quote := -1
	for ; i < end; i++ {
		c := text[i]
		switch {
		case c == escape:
			if i++; i < end {
				u.add(text, i)
			}
		case quote >= 0:
			if c == text[quote] {
				quote = -1
			} else {
				u.add(text, i)
			}
		case c == '"' || c == '\'':
			quote = i
		case isBlank(c):
			return u.word(start, i), i
		default:
			u.add(text, i)
		}
	}
	if quote >= 0 {
		in.openQuote = quote
	}
	return u.word(start, min(i, end)), end
}
