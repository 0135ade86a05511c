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

// fault is what the YAML library found wrong.
type fault struct {
	problem string
	doing   string // what the library was at, "" when unknown
	at      int    // where it stopped
	from    int    // where that began; -1 when unknown
}

// syntaxError reports a fault in the words of a user.
func (p *parser) syntaxError(f fault) {
	if p.tabError(f) {
		return
	}
	has := func(s string) bool { return strings.Contains(f.problem, s) }
	where, message, help := p.wordAt(f.at), "the YAML is malformed: "+f.problem, ""
	if f.doing != "" {
		message += " " + f.doing
	}
	switch {
	case has("unexpected end of stream") && strings.Contains(f.doing, "quoted"), has("unexpected document indicator"):
		where, message, help = p.characterAt(f.from), "the text that begins here has no closing quote", "add the quote at its end"
	case has("expected ',' or ']'"):
		where, message, help = p.characterAt(f.from), "the list that begins here has no closing bracket, or a comma is missing", `check for "]" and commas`
	case has("expected ',' or '}'"):
		where, message, help = p.characterAt(f.from), "the mapping that begins here has no closing brace, or a comma is missing", `check for "}" and commas`
	case has("mapping values are not allowed"):
		where, message, help = p.characterAt(f.at), `":" cannot stand here`, `put quotes around a text that holds ": ", or correct the indentation`
	case has("cannot start any token"):
		where = p.characterAt(f.at)
		message, help = "a text cannot begin with "+p.sourceQuoted(where), "put quotes around the text"
	case has("expected key"), has("expected '-' indicator"), has("block sequence entries are not allowed"):
		message, help = "this line does not fit what is above it", "indent it like its neighbours"
	case has("could not find expected ':'"):
		message, help = "this line is no key with a value", `write "key: value", or indent the line to continue the text above`
	case has("unknown anchor"):
		message, help = "the alias "+p.sourceQuoted(where)+" has no anchor above it", "define it before it is used, or put quotes around the text"
	}
	d := p.error(where, "yaml-syntax", message)
	d.Help = help
	if f.from >= 0 && where.start != f.at && f.at < len(p.src) {
		d.Related = []*diagv1.Related{{Range: p.rangeOf(p.wordAt(f.at)), Message: "noticed here"}}
	}
}

// tabError reports a tab in the indentation of the line where the library
// stopped, or of the one it was at.
func (p *parser) tabError(f fault) bool {
	for _, at := range []int{f.at, f.from} {
		if at < 0 {
			continue
		}
		start := bytes.LastIndexByte(p.src[:at], '\n') + 1
		end := start
		for end < len(p.src) && (p.src[end] == ' ' || p.src[end] == '\t') {
			end++
		}
		indent := string(p.src[start:end])
		tab := strings.IndexByte(indent, '\t')
		if tab < 0 || !strings.Contains(f.problem, "tab") && !strings.Contains(f.problem, "cannot start any token") {
			continue
		}
		where := span{start + tab, end}
		d := p.error(where, "yaml-tab", "a tab indents this line; YAML is indented with spaces")
		d.Help = "replace the tab with spaces"
		d.Fixes = []*diagv1.Fix{p.replace("replace tabs with spaces", where, strings.ReplaceAll(indent[tab:], "\t", "  "))}
		return true
	}
	return false
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
