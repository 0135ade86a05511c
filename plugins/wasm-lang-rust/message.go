// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"strings"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/toolchain/place"
)

// cargoMessage is a line of "cargo build --message-format=json"
// (doc.rust-lang.org/cargo/reference/external-tools.html).
type cargoMessage struct {
	Reason     string
	PackageID  string `json:"package_id"`
	Target     cargoTarget
	Executable string
	Message    rustMessage
}

// rustMessage is what rustc has to say (doc.rust-lang.org/rustc/json.html).
type rustMessage struct {
	Level, Message, Rendered string
	Code                     *struct{ Code string }
	Spans                    []rustSpan
	Children                 []rustMessage
}

// rustSpan is a stretch of source. Lines and columns count from 1, columns in
// characters.
type rustSpan struct {
	File        string `json:"file_name"`
	Line        int    `json:"line_start"`
	Column      int    `json:"column_start"`
	EndLine     int    `json:"line_end"`
	EndColumn   int    `json:"column_end"`
	Primary     bool   `json:"is_primary"`
	Label       string
	Replacement *string `json:"suggested_replacement"`
	Confidence  string  `json:"suggestion_applicability"`
	Expansion   *struct{ Span rustSpan }
}

// finding turns a message into a finding in a file of the project, or without a
// file when it is about nothing in it. It is nil for a message that only
// counts or comments others.
func (m rustMessage) finding(src *place.Project) *backendv1.Finding {
	if m.Level != "error" && m.Level != "warning" && !strings.HasPrefix(m.Level, "error:") || isSummary(m) {
		return nil
	}
	d := diag.Error(nil, codeCompile, m.Message)
	if m.Level == "warning" {
		d = diag.Warning(nil, codeCompile, m.Message)
	}
	if m.Code != nil && strings.HasPrefix(m.Code.Code, "E") {
		d.Url = "https://doc.rust-lang.org/error_codes/" + m.Code.Code + ".html"
	}
	file, span := primary(m.Spans, src)
	if file == nil {
		d.Message += foreign(m)
		d.Help = m.advice()
		return backend.At("", d)
	}
	if label := span.Label; label != "" && !strings.Contains(m.Message, label) && !strings.HasPrefix(label, "not found in ") {
		d.Message += ": " + strings.ReplaceAll(label, "\n", " ")
	}
	d.Range, d.Help = span.in(file), m.advice()
	d.Related = m.related(file, src)
	d.Fixes = m.fixes(file, src)
	return backend.At(file.Name, d)
}

// isSummary says whether a message is about others: "aborting due to 2 previous
// errors", "3 warnings emitted".
func isSummary(m rustMessage) bool {
	return len(m.Spans) == 0 && (strings.HasPrefix(m.Message, "aborting due to ") || strings.HasSuffix(m.Message, " emitted"))
}

// primary returns the main span and its file: the first one that is in the
// project, where a macro of somebody else is, the place that calls it.
func primary(spans []rustSpan, src *place.Project) (*place.File, rustSpan) {
	for _, s := range spans {
		if s.Primary {
			if file, inside := s.inside(src); file != nil {
				return file, inside
			}
		}
	}
	return nil, rustSpan{}
}

// inside returns the span, or the nearest one that it is expanded into, that is
// in the project. The label stays.
func (s rustSpan) inside(src *place.Project) (*place.File, rustSpan) {
	label := s.Label
	for {
		if file := src.File(s.File); file != nil {
			s.Label = label
			return file, s
		}
		if s.Expansion == nil {
			return nil, s
		}
		s = s.Expansion.Span
	}
}

func (s rustSpan) in(file *place.File) *diagv1.Range {
	return file.Characters(s.Line, s.Column, s.EndLine, s.EndColumn)
}

// foreign says where a message is that is not in the project, or what else
// there is to say of one that is nowhere: the last lines of a linker.
func foreign(m rustMessage) string {
	for _, s := range m.Spans {
		if s.Primary {
			return " (in " + s.File + ")"
		}
	}
	for i := len(m.Children) - 1; i >= 0; i-- {
		if text := strings.TrimSpace(m.Children[i].Message); m.Children[i].Level == "note" && text != "" && len(text) < 1000 {
			return ": " + text
		}
	}
	return ""
}

// advice is what rustc says about a way out, as one sentence.
func (m rustMessage) advice() string {
	var said []string
	for _, c := range m.Children {
		text, _, _ := strings.Cut(strings.TrimSpace(c.Message), "\n") // what follows is a list
		text = strings.TrimSuffix(text, ":")
		if c.Level != "help" || text == "" || slices.Contains(said, text) {
			continue
		}
		said = append(said, text)
		for _, s := range c.Spans {
			if s.Replacement != nil && len(c.Spans) == 1 && len(*s.Replacement) < 40 && *s.Replacement != "" {
				said[len(said)-1] += ": `" + strings.TrimSpace(*s.Replacement) + "`"
			}
		}
	}
	return strings.Join(said, "; ")
}

// related are the other places in the same file that rustc points at: a range
// cannot name another file.
func (m rustMessage) related(file *place.File, src *place.Project) (list []*diagv1.Related) {
	add := func(spans []rustSpan, message string) {
		for _, s := range spans {
			text := strings.ReplaceAll(s.Label, "\n", " ")
			if text == "" {
				text = message
			}
			if f, inside := s.inside(src); f == file && text != "" && (!s.Primary || message != "") {
				list = append(list, &diagv1.Related{Range: inside.in(file), Message: text})
			}
		}
	}
	add(m.Spans, "")
	for _, c := range m.Children {
		if c.Level == "note" {
			add(c.Spans, c.Message)
		}
	}
	return list
}

// fixes are the suggestions that rustc is sure of.
func (m rustMessage) fixes(file *place.File, src *place.Project) (list []*diagv1.Fix) {
	for _, c := range m.Children {
		fix := &diagv1.Fix{Title: c.Message}
		for _, s := range c.Spans {
			if s.Replacement == nil || s.Confidence != "MachineApplicable" || src.File(s.File) != file {
				fix = nil
				break
			}
			fix.Edits = append(fix.Edits, &diagv1.Edit{Range: s.in(file), NewText: *s.Replacement})
		}
		if fix != nil && len(fix.Edits) > 0 {
			list = append(list, fix)
		}
	}
	return list
}
