// SPDX-License-Identifier: Apache-2.0

package diag

import (
	"strconv"
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/diagv1"
)

// Problem is a sentence of the specification that diagnostics break.
type Problem struct {
	// Rule is the id of the sentence: "D2".
	Rule string
	// Path names the node: "[0].fixes[1].edits[0].range".
	Path string
	// Message is what is wrong with it.
	Message string
}

// String names the sentence, the node and what is wrong.
func (p Problem) String() string { return "[" + p.Rule + "] " + p.Path + " " + p.Message }

// Check returns what is wrong with the diagnostics of one response (SPEC D1 to
// D5). files are the texts by the index that ranges use, nil for one whose text
// is not known. Codes and tags that nobody knows are fine (SPEC D6).
func Check(files []*Mapper, ds []*diagv1.Diagnostic) []Problem {
	c := &checker{files: files, last: map[uint32]place{}}
	for i, d := range ds {
		c.diagnostic("["+strconv.Itoa(i)+"]", d)
	}
	return c.problems
}

// CheckRange returns what is wrong with a range, of the node that path names
// (SPEC D2, D3). An absent range is nowhere, which is fine.
func CheckRange(files []*Mapper, path string, r *diagv1.Range) []Problem {
	c := &checker{files: files}
	c.rangeOf(path, r)
	return c.problems
}

type checker struct {
	files    []*Mapper
	problems []Problem
	last     map[uint32]place // where the last diagnostic of each file starts
}

// place is a line and a column in bytes.
type place struct{ line, column uint32 }

func (p place) before(q place) bool {
	return p.line < q.line || p.line == q.line && p.column < q.column
}

func startOf(r *diagv1.Range) place { return place{r.GetLine(), r.GetColumn()} }
func endOf(r *diagv1.Range) place   { return place{r.GetEndLine(), r.GetEndColumn()} }

func (c *checker) require(ok bool, rule, path, message string) {
	if !ok {
		c.problems = append(c.problems, Problem{rule, path, message})
	}
}

func (c *checker) diagnostic(path string, d *diagv1.Diagnostic) {
	c.require(d.GetSeverity() != 0, "D1", path+".severity", "is not set")
	c.require(isKebab(d.GetCode()), "D1", path+".code", strconv.Quote(d.GetCode())+" is not kebab-case")
	c.require(d.GetMessage() != "", "D1", path+".message", "is empty")
	c.rangeOf(path+".range", d.GetRange())
	if r := d.GetRange(); r.GetLine() != 0 {
		c.require(!startOf(r).before(c.last[r.GetFile()]), "D4", path, "stands before the one before it")
		c.last[r.GetFile()] = startOf(r)
	}
	for i, r := range d.GetRelated() {
		c.rangeOf(path+".related["+strconv.Itoa(i)+"].range", r.GetRange())
	}
	for i, f := range d.GetFixes() {
		c.edits(path+".fixes["+strconv.Itoa(i)+"]", f.GetEdits())
	}
}

// edits requires edits in the order of the file that do not overlap.
func (c *checker) edits(path string, list []*diagv1.Edit) {
	for i, e := range list {
		p := path + ".edits[" + strconv.Itoa(i) + "]"
		c.rangeOf(p+".range", e.GetRange())
		if i == 0 || list[i-1].GetRange().GetFile() != e.GetRange().GetFile() {
			continue
		}
		c.require(!startOf(e.GetRange()).before(endOf(list[i-1].GetRange())), "D5", p, "overlaps the edit before it")
	}
}

// rangeOf requires a range that lies in its file, and whose columns agree.
func (c *checker) rangeOf(path string, r *diagv1.Range) {
	if r.GetLine() == 0 {
		return
	}
	if uint64(r.GetFile()) >= uint64(len(c.files)) {
		c.require(false, "D2", path, "is in file "+strconv.FormatUint(uint64(r.GetFile()), 10)+", which is not there")
		return
	}
	if endOf(r).before(startOf(r)) {
		c.require(false, "D2", path, "ends before it starts")
		return
	}
	m := c.files[r.GetFile()]
	if m == nil {
		return
	}
	want := m.Range(m.Offset(int(r.GetLine()), int(r.GetColumn())), m.Offset(int(r.GetEndLine()), int(r.GetEndColumn())))
	if startOf(want) != startOf(r) || endOf(want) != endOf(r) {
		c.require(false, "D2", path, Span(r)+" is not in the text, where the nearest is "+Span(want))
		return
	}
	c.require(want.ColumnUtf16 == r.ColumnUtf16, "D3", path, columns(r.Column, r.ColumnUtf16, want.ColumnUtf16))
	c.require(want.EndColumnUtf16 == r.EndColumnUtf16, "D3", path, columns(r.EndColumn, r.EndColumnUtf16, want.EndColumnUtf16))
}

// columns says that a column in UTF-16 units is not the one it must be.
func columns(column, got, want uint32) string {
	number := func(n uint32) string { return strconv.FormatUint(uint64(n), 10) }
	return "has UTF-16 column " + number(got) + " for column " + number(column) + ", which is " + number(want)
}

// isKebab reports whether a code is words of a-z and 0-9 joined by "-".
func isKebab(code string) bool {
	for word := range strings.SplitSeq(code, "-") {
		if word == "" || strings.Trim(word, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
			return false
		}
	}
	return true
}
