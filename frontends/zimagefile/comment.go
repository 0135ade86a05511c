// SPDX-License-Identifier: Apache-2.0

package zimagefile

import (
	"bytes"
	"sort"
	"strings"
)

// commentAbove returns the comment on the lines directly above the line that
// holds an offset, without "#" and the space around. "" when there is none.
func (p *parser) commentAbove(at int) string {
	var lines []string
	start := p.lineStart(at)
	for start > 0 {
		above := p.lineStart(start - 1)
		text, ok := p.commentLine(above)
		if !ok {
			break
		}
		lines = append(lines, text)
		start = above
	}
	for i, j := 0, len(lines)-1; i < j; i, j = i+1, j-1 {
		lines[i], lines[j] = lines[j], lines[i]
	}
	return strings.Join(lines, "\n")
}

func (p *parser) lineStart(at int) int {
	line, _, _ := p.mapper.Position(at)
	if line == 1 {
		return 0
	}
	return p.mapper.Offset(line, 1)
}

// commentLine returns the comment that is all there is on the line that starts
// at an offset.
func (p *parser) commentLine(start int) (string, bool) {
	i := sort.Search(len(p.comments), func(i int) bool { return p.comments[i].start >= start })
	if i == len(p.comments) {
		return "", false
	}
	c := p.comments[i]
	if len(bytes.Trim(p.src[start:c.start], " \t\ufeff")) > 0 || bytes.IndexByte(p.src[start:c.start], '\n') >= 0 {
		return "", false
	}
	text := string(p.src[c.start+1 : c.end])
	return strings.TrimSpace(text), true
}
