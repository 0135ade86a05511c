// SPDX-License-Identifier: Apache-2.0

package expand_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/sdk/ir/expand"
)

var vars = map[string]string{
	"A": "aab", "EMPTY": "", "PATHS": "/usr/local/bin", "SP": "x  y", "STAR": "*", "BYTES": "a\xffb", "LINES": "a\nb",
}

func env(name string) (string, bool) {
	v, ok := vars[name]
	return v, ok
}

func TestWord(t *testing.T) {
	tests := []struct{ word, want string }{
		{"", ""},
		{"plain", "plain"},
		{`'$A' "$A" \$A $A`, `$A aab $A aab`},
		{`"a\b\"\\\$"`, `a\b"\$`},
		{`a\`, "a"},
		{"${A:-x}${NONE:-y$A}${EMPTY:-z}${EMPTY-w}", "aabyaabz"},
		{"${A:+x}${NONE:+y}${EMPTY:+z}${EMPTY+w}", "xw"},
		{"${A:?no}${EMPTY?no}", "aab"},
		{"${PATHS#*/}|${PATHS##*/}|${PATHS%/*}|${PATHS%%/*}", "usr/local/bin|bin|/usr/local|"},
		{"${PATHS/local/opt}|${PATHS//\\//:}", "/usr/opt/bin|:usr:local:bin"},
		{"${A/a/x}|${A//a/x}|${A//?/-}|${A//*/-}|${A///-}", "xab|xxb|---|-|-a-a-b-"},
		{"${A#$STAR}|${A##$STAR}|${A#\"$STAR\"}|${A#\\*}", "aab||aab|aab"},
		{"${LINES#*b}|${LINES##*}|${LINES%?}", "a\nb|\nb|a\n"},
		{"${NONE:-${NONE:-${NONE:-deep}}}", "deep"},
		{`${NONE:-"}"}${NONE:-\}}`, "}}"},
		{"$1$@$?${#}x$", "x$"},
		{"$.${A}b", "$.aabb"},
		{"<<EOF <x", "<<EOF <x"},
	}
	for _, test := range tests {
		got, err := expand.Lex{}.Word(test.word, env)
		if err != nil || got.Text != test.want {
			t.Errorf("%s: got %q, %v; want %q", test.word, got.Text, err, test.want)
		}
	}
}

// TestBytesAreKept: file names need not be UTF-8.
func TestBytesAreKept(t *testing.T) {
	for word, want := range map[string]string{"\xfe$BYTES": "\xfea\xffb", "${BYTES%b}": "a\xff", "${BYTES/?b/x}": "ax", "'\xfe'": "\xfe"} {
		if got, err := (expand.Lex{}).Word(word, env); err != nil || got.Text != want {
			t.Errorf("%q: got %q, %v; want %q", word, got.Text, err, want)
		}
	}
}

// TestReplacementIsText: "$" in what replaces means nothing more.
func TestReplacementIsText(t *testing.T) {
	vars["R"] = "$0 ${1}"
	defer delete(vars, "R")
	if got, err := (expand.Lex{}).Word("${A//a/$R}", env); err != nil || got.Text != "$0 ${1}$0 ${1}b" {
		t.Errorf("got %q, %v", got.Text, err)
	}
}

func TestLex(t *testing.T) {
	tests := []struct {
		lex        expand.Lex
		word, want string
	}{
		{expand.Lex{Escape: '`'}, "C:\\x`$A$A ``", "C:\\x$Aaab `"},
		{expand.Lex{Escape: '\\'}, "`\\$A", "`$A"},
		{expand.Lex{KeepQuotes: true}, `"$A" '$A' \$A ${NONE:-"x"}`, `"aab" 'aab' $A "x"`},
	}
	for _, test := range tests {
		got, err := test.lex.Word(test.word, env)
		if err != nil || got.Text != test.want {
			t.Errorf("%s: got %q, %v; want %q", test.word, got.Text, err, test.want)
		}
	}
}

func TestWords(t *testing.T) {
	tests := []struct {
		word string
		want []string
	}{
		{"", nil},
		{"a  b\tc", []string{"a", "b", "c"}},
		{`a" b" c\ d 'e f'`, []string{"a b", "c d", "e f"}},
		{`$SP "$SP"`, []string{"x", "y", "x  y"}},
		{"a${NONE:-b c}d", []string{"ab", "cd"}},
		{`"" x`, []string{"x"}},
	}
	for _, test := range tests {
		got, _, err := expand.Lex{}.Words(test.word, env)
		if err != nil || !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, %v; want %q", test.word, got, err, test.want)
		}
	}
}

func TestNames(t *testing.T) {
	got, err := expand.Lex{}.Word("$A ${B:-$C} ${A} $B ${EMPTY+x}", env)
	if err != nil || !slices.Equal(got.Used, []string{"A", "EMPTY"}) || !slices.Equal(got.Unset, []string{"C", "B"}) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestErrors(t *testing.T) {
	tests := []struct {
		word   string
		offset int
		want   string
	}{
		{"ab'c", 2, "missing closing '"},
		{`ab"c`, 2, `missing closing "`},
		{"ab${A", 2, "missing '}' of a substitution"},
		{"ab${", 2, "missing '}' of a substitution"},
		{"ab${A:-x", 2, "missing '}' of a substitution"},
		{"ab${A:-'x}", 7, "missing closing '"},
		{"ab${A:-${B}", 2, "missing '}' of a substitution"},
		{"ab${A/x}", 2, "missing '/' of a substitution"},
		{"ab${}", 2, `bad substitution: a name is missing after "${"`},
		{"ab${A:=x}", 2, `unsupported modifier ":=" in a substitution`},
		{"ab${A^}", 2, `unsupported modifier "^" in a substitution`},
		{"ab${A#a\\b}", 2, `a pattern has the unknown escape "\b"`},
		{"ab${A:-${NONE?}}", 7, "NONE: is not allowed to be unset"},
		{"${EMPTY:?}", 0, "EMPTY: is not allowed to be empty"},
		{"${NONE:?set $A}", 0, "NONE: set aab"},
		{strings.Repeat("${A:-", 600), 2500, "variables nest too deeply"},
	}
	for _, test := range tests {
		_, err := expand.Lex{}.Word(test.word, env)
		var e *expand.Error
		if !errors.As(err, &e) || e.Offset != test.offset || e.Problem != test.want {
			t.Errorf("%s: got %#v, want %q at %d", test.word, err, test.want, test.offset)
		}
	}
}

// TestTimeIsBounded: a pattern of many stars is no way to stop a build.
func TestTimeIsBounded(t *testing.T) {
	vars["LONG"] = strings.Repeat("a", 3000)
	defer delete(vars, "LONG")
	word := "${LONG#" + strings.Repeat("*a", 500) + "b}"
	if got, err := (expand.Lex{}).Word(word, env); err != nil || got.Text != vars["LONG"] {
		t.Errorf("got %d bytes, %v", len(got.Text), err)
	}
}

func FuzzExpand(f *testing.F) {
	for _, s := range []string{"$A", `"${A:-'b'}"`, "${PATHS##*/}", "${A//a/b}", "a\\", "${A:?x}", "<< x"} {
		f.Add(s, byte('\\'), false)
	}
	f.Fuzz(func(t *testing.T, word string, escape byte, keepQuotes bool) {
		lex := expand.Lex{Escape: escape, KeepQuotes: keepQuotes}
		got, err := lex.Word(word, env)
		var e *expand.Error
		if errors.As(err, &e) && (e.Offset < 0 || e.Offset > len(word) || e.Problem == "") {
			t.Errorf("%+v", e)
		}
		list, same, err2 := lex.Words(word, env)
		if (err == nil) != (err2 == nil) || same.Text != got.Text {
			t.Errorf("Word %q, %v; Words %q, %v", got.Text, err, same.Text, err2)
		}
		if slices.Contains(list, "") {
			t.Errorf("an empty word in %q", list)
		}
	})
}
