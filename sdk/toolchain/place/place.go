// SPDX-License-Identifier: Apache-2.0

// Package place finds the places in a project's files that a compiler talks
// about: from lines and columns as it counts them to ranges of diagnostics.
package place

import (
	"bytes"
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
)

// Project is the folder of a project. It reads each file once. Use it for one
// report, by one goroutine.
type Project struct {
	// Dir is the folder, absolute.
	Dir   string
	files map[string]*File
}

// File is the text of a file of the project.
type File struct {
	// Name is slash-separated and relative to the project.
	Name string
	m    *diag.Mapper
}

// Relative is path, as something in the project's folder dir names it, relative
// to the project: an absolute path only when it has no relative one.
func Relative(project, dir, path string) string {
	if !filepath.IsAbs(path) {
		return filepath.Join(dir, filepath.FromSlash(path))
	}
	if rel, err := filepath.Rel(project, path); err == nil {
		return rel
	}
	return path
}

// File returns a file by its path, absolute or relative to the project; nil
// when it is not in the project or cannot be read.
func (p *Project) File(path string) *File {
	rel := Relative(p.Dir, ".", path)
	if f, ok := p.files[rel]; ok {
		return f
	}
	if p.files == nil {
		p.files = map[string]*File{}
	}
	p.files[rel] = nil
	if filepath.IsLocal(rel) {
		if text, err := os.ReadFile(filepath.Join(p.Dir, rel)); err == nil {
			p.files[rel] = NewFile(filepath.ToSlash(rel), text)
		}
	}
	return p.files[rel]
}

// NewFile returns a file whose text is known. The name is for findings.
func NewFile(name string, text []byte) *File { return &File{name, diag.NewMapper(text)} }

// Bytes returns the range between two byte offsets.
func (f *File) Bytes(start, end int) *diagv1.Range { return f.m.Range(start, end) }

// Line returns the range of what a line, from 1, holds beside its indent.
func (f *File) Line(line int) *diagv1.Range {
	text := f.m.Line(line)
	indent := len(text) - len(bytes.TrimLeft(text, " \t"))
	start := f.m.Offset(line, indent+1)
	return f.m.Range(start, start+len(bytes.TrimSpace(text)))
}

// Token returns the range of the token at a line and a column in bytes, both
// from 1: a whole word, number or string; of anything else one character.
func (f *File) Token(line, column int) *diagv1.Range {
	start := f.m.Offset(line, column)
	return f.m.Range(start, start+tokenLen(f.m.Line(line), column-1))
}

// Characters returns the range between two places whose columns are counted in
// characters (Unicode code points), from 1.
func (f *File) Characters(line, column, endLine, endColumn int) *diagv1.Range {
	return f.m.Range(f.character(line, column), f.character(endLine, endColumn))
}

// character returns the offset of a character of a line.
func (f *File) character(line, column int) int {
	text, n := f.m.Line(line), 0
	for ; column > 1 && n < len(text); column-- {
		_, size := utf8.DecodeRune(text[n:])
		n += size
	}
	return f.m.Offset(line, n+1)
}

// tokenLen is the length of the token that starts at an offset of a line.
func tokenLen(line []byte, offset int) int {
	if offset < 0 || offset >= len(line) {
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

// Sort orders findings by file and place. It is stable.
func Sort(findings []*backendv1.Finding) {
	slices.SortStableFunc(findings, func(a, b *backendv1.Finding) int {
		ra, rb := a.GetDiagnostic().GetRange(), b.GetDiagnostic().GetRange()
		return cmp.Or(cmp.Compare(a.GetFile(), b.GetFile()),
			cmp.Compare(ra.GetLine(), rb.GetLine()), cmp.Compare(ra.GetColumn(), rb.GetColumn()))
	})
}
