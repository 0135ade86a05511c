// SPDX-License-Identifier: Apache-2.0

package parity

import (
	"bytes"
	"math/rand/v2"
	"slices"
)

// odd are texts that parsers of text tend to trip over.
var odd = []string{
	"\x00", "\ufeff", "\r", "\r\n", "\v", "\t", "\u00a0", "\u2028", "é", "e\u0301", "日本", "🙂", "\xff", "\xc3", "\xed\xa0\x80",
	"\\", "`", "\"", "'", "$", "${", "}", "${A:-", "#", "# syntax=", "# escape=`\n", "<<EOF", "<<-'E'", "\\\n", "[", "]", "{", ":", "- ", "&a ", "*a", "|\n",
	"--", "=", ",", "%", "!", "@sha256:", "99999999999999999999", "-1", "0x", "1e9", "null", "~", "? ", "<<: ", "!!str ", "---\n", "...\n",
}

// mutator makes inputs out of others.
type mutator struct {
	*rand.Rand
	texts [][]byte
}

// mutate changes a text in one to four ways.
func (m *mutator) mutate(text []byte) []byte {
	ways := []func([]byte) []byte{m.flip, m.double, m.remove, m.swap, m.splice, m.truncate, m.insert}
	text = slices.Clone(text)
	for range 1 + m.IntN(4) {
		text = ways[m.IntN(len(ways))](text)
	}
	return text
}

// flip changes a bit.
func (m *mutator) flip(text []byte) []byte {
	if len(text) > 0 {
		text[m.IntN(len(text))] ^= 1 << m.IntN(8)
	}
	return text
}

// lines splits a text and chooses two of its lines.
func (m *mutator) lines(text []byte) (lines [][]byte, i, j int) {
	lines = bytes.SplitAfter(text, []byte("\n"))
	return lines, m.IntN(len(lines)), m.IntN(len(lines))
}

// double writes a line again somewhere else.
func (m *mutator) double(text []byte) []byte {
	lines, i, j := m.lines(text)
	return bytes.Join(slices.Insert(lines, j, lines[i]), nil)
}

func (m *mutator) remove(text []byte) []byte {
	lines, i, _ := m.lines(text)
	return bytes.Join(slices.Delete(lines, i, i+1), nil)
}

func (m *mutator) swap(text []byte) []byte {
	lines, i, j := m.lines(text)
	lines[i], lines[j] = lines[j], lines[i]
	return bytes.Join(lines, nil)
}

// splice puts a word of any text in place of one here.
func (m *mutator) splice(text []byte) []byte {
	from := bytes.Fields(m.texts[m.IntN(len(m.texts))])
	here := bytes.Fields(text)
	if len(from) == 0 || len(here) == 0 {
		return text
	}
	word := here[m.IntN(len(here))]
	return bytes.Replace(text, word, from[m.IntN(len(from))], 1)
}

func (m *mutator) truncate(text []byte) []byte { return text[:m.IntN(len(text)+1)] }

func (m *mutator) insert(text []byte) []byte {
	at := m.IntN(len(text) + 1)
	return slices.Concat(text[:at], []byte(odd[m.IntN(len(odd))]), text[at:])
}

// shrink removes lines, many at first, as long as the text stays bad.
func shrink(text []byte, bad func([]byte) bool) []byte {
	lines := bytes.SplitAfter(text, []byte("\n"))
	for size := len(lines) / 2; size > 0; size /= 2 {
		for at := 0; at+size <= len(lines); {
			less := slices.Concat(lines[:at], lines[at+size:])
			if bad(bytes.Join(less, nil)) {
				lines = less
			} else {
				at += size
			}
		}
	}
	return bytes.Join(lines, nil)
}
