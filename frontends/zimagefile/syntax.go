// SPDX-License-Identifier: Apache-2.0

package zimagefile

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/zlayer/zlayer/sdk/gen/diagv1"
)

// checkText reports the first character that no YAML file can hold.
func (p *parser) checkText() bool {
	if bytes.HasPrefix(p.src, []byte("\xff\xfe")) || bytes.HasPrefix(p.src, []byte("\xfe\xff")) {
		p.error(span{}, "not-text", "the file is in UTF-16").Help = "save it as UTF-8"
		return false
	}
	for i := 0; i < len(p.src); {
		r, size := rune(p.src[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(p.src[i:])
		}
		if r == utf8.RuneError && size == 1 {
			p.error(span{i, i + 1}, "not-text", "the byte 0x"+hex(p.src[i])+" is not UTF-8").Help = "name a text file, saved as UTF-8"
			return false
		}
		if !allowed(r) {
			p.error(span{i, i + size}, "not-text", "the control character U+"+hex(byte(r>>8))+hex(byte(r))+" cannot stand in a YAML file").Help =
				"name a text file, or remove the character"
			return false
		}
		i += size
	}
	return true
}

// allowed is YAML's set of characters, C1 controls included (the library takes
// them).
func allowed(r rune) bool {
	return r >= ' ' && r != 0xfffe && r != 0xffff || r == '\t' || r == '\n' || r == '\r'
}

func hex(b byte) string {
	const digits = "0123456789ABCDEF"
	return string([]byte{digits[b>>4], digits[b&15]})
}

// syntaxError reports what the YAML library found, in the words of a user. The
// library says where roughly; the place is searched for.
func (p *parser) syntaxError(problem string) {
	has := func(s string) bool { return strings.Contains(problem, s) }
	where, message, help := span{}, "the YAML is malformed: "+shorten(problem), ""
	switch {
	case has("unexpected end of stream"), has("unexpected document indicator"):
		where, message, help = p.opening(p.contextLine()-1, `"'`), "the text that begins here has no closing quote", "add the quote at its end"
	case has("expected ',' or ']'"):
		where, message, help = p.opening(p.contextLine(), "["), "the list that begins here has no closing bracket, or a comma is missing", `check for "]" and commas`
	case has("expected ',' or '}'"):
		where, message, help = p.opening(p.contextLine(), "{"), "the mapping that begins here has no closing brace, or a comma is missing", `check for "}" and commas`
	case has("expected node content"):
		where, message, help = p.lineSpan(p.contextLine()), "a value is missing on this line", "write it, or remove what expects it"
	default:
		where = p.culprit(problem)
	}
	if p.tabError(where, problem) {
		return
	}
	switch {
	case has("mapping values are not allowed"):
		message, help = `":" cannot stand here`, `put quotes around a text that holds ": ", or correct the indentation`
	case has("cannot start any token"):
		message, help = "a text cannot begin with "+p.sourceQuoted(p.characterAt(where.start)), "put quotes around the text"
	case has("expected key"), has("expected '-' indicator"), has("block sequence entries are not allowed"):
		message, help = "this does not fit what is above it", "indent the line like its neighbours, or put quotes around the whole text"
	case has("could not find expected ':'"):
		message, help = "this line is no key with a value", `write "key: value", or indent the line to continue the text above`
	case has("unknown anchor"):
		message, help = "this alias has no anchor above it", `define it before it is used, or put quotes around a text that begins with "*"`
	case has("exceeded max depth"):
		message, help = "the YAML nests too deeply", "flatten it"
	}
	p.error(where, "yaml-syntax", message).Help = help
}

// tabError reports a tab in the indentation before an offset instead, if that
// can be the problem.
func (p *parser) tabError(where span, problem string) bool {
	start := p.lineStart(where.start)
	end := start
	for end < len(p.src) && (p.src[end] == ' ' || p.src[end] == '\t') {
		end++
	}
	indent := string(p.src[start:end])
	tab := strings.IndexByte(indent, '\t')
	if tab < 0 || !strings.Contains(problem, "tab") && !strings.Contains(problem, "cannot start any token") {
		return false
	}
	at := span{start + tab, end}
	d := p.error(at, "yaml-tab", "a tab indents this line; YAML is indented with spaces")
	d.Help = "replace the tab with spaces"
	d.Fixes = []*diagv1.Fix{p.replace("replace tabs with spaces", at, strings.ReplaceAll(indent[tab:], "\t", "  "))}
	return true
}

// characterAt is the stretch of the character at an offset.
func (p *parser) characterAt(i int) span {
	if i < 0 || i >= len(p.src) {
		return span{len(p.src), len(p.src)}
	}
	_, size := utf8.DecodeRune(p.src[i:])
	return span{i, i + size}
}

// sourceQuoted quotes a stretch of the source for a message.
func (p *parser) sourceQuoted(s span) string { return quote(string(p.src[s.start:s.end])) }

// quote quotes text for a message and shortens it.
func quote(s string) string { return strconv.Quote(shorten(s)) }

// shorten cuts text after some forty characters.
func shorten(s string) string {
	const limit = 40
	if len(s) <= limit {
		return s
	}
	end := limit
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}
