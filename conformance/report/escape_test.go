// SPDX-License-Identifier: Apache-2.0

package report_test

import (
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/zlayer/zlayer/conformance"
	"github.com/zlayer/zlayer/conformance/report"
	"github.com/zlayer/zlayer/conformance/suite"
)

// said is a report in which everything that can come from a plugin, or from
// its author, is a text.
func said(text string) *conformance.Report {
	r := broken()
	r.Plugin, r.Version, r.Path, r.Kinds, r.Engine, r.Stale = text, text, text, []string{text}, []string{text}, []string{text}
	for i := range r.Results {
		one := &r.Results[i]
		one.About, one.Why, one.Input, one.Spec, one.Trace = text, text, text, []string{text}, []string{text}
		for j := range one.Problems {
			one.Problems[j] = suite.Problem{Class: text, Message: text, Input: text, Want: text, Got: text}
		}
	}
	r.Results = append(r.Results, suite.Result{Name: text, Status: suite.Passed, About: text})
	return r
}

// Whatever was said, the text has no order for a terminal, the XML is
// well-formed and the page has the elements it always has.
func FuzzEscaping(f *testing.F) {
	for _, text := range []string{"", "plain", hostile, "\x00\x1b[31m\u009b2J\u2066\xc0\x80", "]]>&lt;!--", "{{.}}</style><svg onload=x>", "\" style=\"x", "\U0010ffff\ud7ff"} {
		f.Add(text)
	}
	plain := elements(f, write(f, "html", said("x"), report.Options{Command: []string{"x"}}))
	f.Fuzz(func(t *testing.T, text string) {
		r, o := said(text), report.Options{Command: []string{text}, Verbose: true}
		steersNothing(t, write(t, "text", r, o))
		wellFormed(t, write(t, "junit", r, o))
		page := write(t, "html", r, o)
		steersNothing(t, page)
		got := elements(t, page)
		for name := range got {
			if plain[name] == 0 {
				t.Errorf("%q makes an element %s", text, name)
			}
		}
	})
}

func steersNothing(t *testing.T, text string) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Errorf("it is not UTF-8: %.100q", text)
	}
	for i, r := range text {
		if r != '\n' && r != '\t' && !unicode.IsGraphic(r) {
			t.Errorf("it has %U: %.100q", r, text[max(0, i-50):])
			return
		}
	}
}

func wellFormed(t *testing.T, text string) {
	t.Helper()
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("%v in %.1000q", err, text)
		}
	}
}

// elements counts the tags of a page, with the names of their attributes.
func elements(t testing.TB, page string) map[string]int {
	t.Helper()
	_, page, _ = strings.Cut(page, "</style>")
	found := map[string]int{}
	value := regexp.MustCompile(`="[^"]*"`)
	for rest := page; ; {
		_, after, ok := strings.Cut(rest, "<")
		if !ok {
			return found
		}
		tag, after, ok := strings.Cut(value.ReplaceAllString(after, ""), ">")
		if !ok {
			t.Fatalf("a tag does not end: %.100q", rest)
		}
		found[tag]++
		rest = after
	}
}
