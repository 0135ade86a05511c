// SPDX-License-Identifier: Apache-2.0

package dockerfile

import "strings"

// bom is the byte order mark that editors may put before the text.
const bom = "\xef\xbb\xbf"

// directive is a parser directive: "# name=value" in the lines at the top.
type directive struct {
	name  string // lower case
	value span   // in the source
	line  span
}

// directiveNames are the directives there are.
var directiveNames = [...]string{"check", "escape", "syntax"}

// parseDirective reads src[at.start:at.end] as a directive after prefix.
func parseDirective(src string, at span, prefix string) (directive, bool) {
	if !strings.HasPrefix(src[at.start:at.end], prefix) {
		return directive{}, false
	}
	i := skipSpace(src, at.start+len(prefix), at.end)
	nameStart := i
	for i < at.end && (isLetter(src[i]) || i > nameStart && isDigit(src[i])) {
		i++
	}
	name := lower(src[nameStart:i])
	i = skipASCIISpace(src, i, at.end)
	if i == at.end || src[i] != '=' {
		return directive{}, false
	}
	value := span{skipASCIISpace(src, i+1, at.end), at.end}
	for value.end > value.start && isASCIISpace(src[value.end-1]) {
		value.end--
	}
	if value.start == value.end {
		return directive{}, false
	}
	for _, known := range directiveNames {
		if name == known {
			return directive{name, value, at}, true
		}
	}
	return directive{}, false
}

func isASCIISpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' && c != '\v' }

func skipASCIISpace(s string, i, end int) int {
	for i < end && isASCIISpace(s[i]) {
		i++
	}
	return i
}

// directives reads the directives at the top of the file. A line that is none
// ends them.
func (p *parser) directives() {
	p.pos = len(p.src) - len(strings.TrimPrefix(p.src, bom))
	shebang := p.skipShebang()
	prefix := "#"
	if strings.HasPrefix(p.src[p.pos:], "//") {
		prefix = "//"
	}
	var seen [len(directiveNames)]bool
	for p.pos < len(p.src) {
		before := p.pos
		at := p.sourceLine()
		at.start = skipSpace(p.src, at.start, at.end)
		d, ok := parseDirective(p.src, at, prefix)
		if !ok {
			p.pos = before
			return
		}
		p.tokens.add(tokenDirective, at)
		p.directive(d, &seen, shebang)
	}
}

// skipShebang moves over a first line that begins with "#!".
func (p *parser) skipShebang() bool {
	if !strings.HasPrefix(p.src[p.pos:], "#!") {
		return false
	}
	p.tokens.add(tokenComment, p.sourceLine())
	return true
}

func (p *parser) directive(d directive, seen *[len(directiveNames)]bool, shebang bool) {
	for i, name := range directiveNames {
		if name != d.name {
			continue
		}
		if seen[i] {
			p.report(invalidDirective, d.line, "the "+d.name+" directive is given twice")
			return
		}
		seen[i] = true
	}
	value := p.src[d.value.start:d.value.end]
	switch d.name {
	case "escape":
		p.setEscape(value, d, shebang)
	case "check":
		p.checkDirective(value, d)
	}
}

// setEscape obeys the escape directive. Docker does not after a "#!" line, and
// neither do we: the same file must not mean two things.
func (p *parser) setEscape(value string, d directive, shebang bool) {
	switch {
	case shebang:
		p.report(misplacedDirective, d.line, `the escape directive has no effect after a "#!" line`)
	case value == `\` || value == "`":
		p.escape = value[0]
	default:
		p.report(invalidDirective, d.value, "the escape character cannot be "+quote(value)).Help = "write # escape=\\ or # escape=`"
	}
}

// warnMisplaced warns of comments that would be directives further up. A check
// directive is fine there: it is about one instruction.
func (p *parser) warnMisplaced() {
	for _, d := range p.misplaced {
		if d.name != "check" {
			p.report(misplacedDirective, d.line, "the "+d.name+" directive has no effect here").Help =
				"move it to the top of the file, before comments and instructions"
		}
	}
}

// DetectSyntax returns the frontend that a build file asks for, and whether it
// asks for one: by "# syntax=", "// syntax=", or a member "syntax" of a JSON
// object, the three forms that Docker knows. What follows the first space of
// the value is not part of it.
func DetectSyntax(content []byte) (id string, ok bool) {
	src := strings.TrimPrefix(string(content), bom)
	if strings.HasPrefix(src, "#!") {
		_, src, _ = strings.Cut(src, "\n")
	}
	for _, prefix := range []string{"#", "//"} {
		if id, ok := syntaxDirective(src, prefix); ok {
			return id, true
		}
	}
	return jsonSyntax(src)
}

func syntaxDirective(src, prefix string) (string, bool) {
	s := scanner{src: src}
	for s.pos < len(src) {
		d, ok := parseDirective(src, s.sourceLine(), prefix)
		if !ok {
			return "", false
		}
		if d.name == "syntax" {
			id, _, _ := strings.Cut(src[d.value.start:d.value.end], " ")
			return id, true
		}
	}
	return "", false
}

// jsonSyntax returns the last member "syntax" of the JSON object that src is.
func jsonSyntax(src string) (string, bool) {
	s := jsonScanner{text: src}
	if !s.take('{') {
		return "", false
	}
	id, ok := "", false
	for more := !s.take('}'); more && !s.bad; {
		key := s.key()
		switch {
		case s.take('"'):
			if v := s.str(); key.text == "syntax" {
				id, ok = v.text, true
			}
		default:
			s.value()
			ok = ok && key.text != "syntax"
		}
		if more = !s.take('}'); more {
			s.bad = s.bad || !s.take(',')
		}
	}
	s.blanks()
	if !ok || s.bad || s.pos < len(src) {
		return "", false
	}
	return id, true
}
