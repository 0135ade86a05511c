// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
)

// locator turns problems into findings in the project's files.
type locator struct {
	project string
	sources map[string]*source
}

// source is a file of the project.
type source struct {
	text []byte
	m    *diag.Mapper
}

// finding says where a problem is. One in a file of somebody else's module has
// no range in the project: its place becomes a part of the message.
func (l *locator) finding(p problem) *backendv1.Finding {
	message, help := p.advice()
	message = strings.ReplaceAll(message, l.project+string(filepath.Separator), "")
	d := diag.Error(nil, p.code, message)
	d.Help = help
	if p.file == "" {
		return backend.At("", d)
	}
	file := relative(l.project, ".", p.file)
	src := l.read(file)
	if src == nil {
		d.Message = fmt.Sprintf("%s:%d:%d: %s", p.file, p.line, p.column, message)
		return backend.At("", d)
	}
	d.Range = src.at(p.line, p.column)
	return backend.At(filepath.ToSlash(file), d)
}

// read returns a file of the project, or nil when it is none.
func (l *locator) read(file string) *source {
	if src, ok := l.sources[file]; ok {
		return src
	}
	if l.sources == nil {
		l.sources = map[string]*source{}
	}
	l.sources[file] = nil
	if filepath.IsLocal(file) {
		if text, err := os.ReadFile(filepath.Join(l.project, file)); err == nil {
			l.sources[file] = &source{text, diag.NewMapper(text)}
		}
	}
	return l.sources[file]
}

// at returns the range of the token at a line and column, both from 1. Without
// a column it is the line.
func (s *source) at(line, column int) *diagv1.Range {
	if column == 0 {
		text := s.m.Line(line)
		indent := len(text) - len(bytes.TrimLeft(text, " \t"))
		start := s.m.Offset(line, indent+1)
		return s.m.Range(start, start+len(bytes.TrimSpace(text)))
	}
	start := s.m.Offset(line, column)
	return s.m.Range(start, start+tokenLen(s.m.Line(line), column-1))
}

// tokenLen is the length of the Go token that starts at an offset of a line: a
// whole identifier, number or string; of anything else one character.
func tokenLen(line []byte, offset int) int {
	if offset >= len(line) {
		return 0
	}
	rest := line[offset:]
	if quote := rest[0]; quote == '"' || quote == '`' {
		if n := bytes.IndexByte(rest[1:], quote); n >= 0 {
			return n + 2
		}
	}
	if n := bytes.IndexFunc(rest, func(r rune) bool { return !isWordRune(r) }); n > 0 {
		return n
	} else if n < 0 {
		return len(rest)
	}
	_, size := utf8.DecodeRune(rest)
	return size
}

func isWordRune(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }
