// SPDX-License-Identifier: Apache-2.0

package host

import (
	"strings"
	"testing"
)

func TestSyntax(t *testing.T) {
	for text, want := range map[string]string{
		"# syntax=docker/dockerfile:1\nFROM x":  "docker/dockerfile:1",
		"\xef\xbb\xbf#syntax = docker.io/a/b\n": "a/b",
		"# escape=`\n# syntax=x\n":              "x",
		"// syntax=x\n{}":                       "x",
		"# a comment\n# syntax=x\n":             "",
		"FROM x\n# syntax=x\n":                  "",
		"\n# syntax=x\n":                        "",
		"":                                      "",
		"# syntax=\n":                           "",
		"# SYNTAX=registry:5000/f@sha256:0\r\nFROM x\r\n": "registry:5000/f@sha256:0",
	} {
		got, start, end := syntax([]byte(text))
		if got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
		if !strings.HasSuffix(text[start:end], got) {
			t.Errorf("%q: range %d-%d is %q", text, start, end, text[start:end])
		}
	}
}

func TestGlobMatch(t *testing.T) {
	for _, tc := range []struct {
		pattern, name []string
		want          bool
	}{
		{[]string{"*.go"}, []string{"a.go"}, true},
		{[]string{"*.go"}, []string{"d", "a.go"}, false},
		{[]string{"**", "*.go"}, []string{"a.go"}, true},
		{[]string{"**", "*.go"}, []string{"d", "e", "a.go"}, true},
		{[]string{"d", "**"}, []string{"d"}, true},
		{[]string{"["}, []string{"["}, false},
	} {
		if got := globMatch(tc.pattern, tc.name); got != tc.want {
			t.Errorf("%q %q: %v", tc.pattern, tc.name, got)
		}
	}
}
