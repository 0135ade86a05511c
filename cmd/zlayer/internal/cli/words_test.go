// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"slices"
	"testing"
)

func TestSplitWords(t *testing.T) {
	for line, want := range map[string][]string{
		"": nil, " \t\n": nil,
		"wasmtime run {module}":      {"wasmtime", "run", "{module}"},
		`'/my tools/x'  "a 'b'" c`:   {"/my tools/x", "a 'b'", "c"},
		`--dir='a b'"c d" '' "" \x$`: {"--dir=a bc d", "", "", `\x$`},
	} {
		got, err := splitWords(line)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %q, %v, want %q", line, got, err, want)
		}
	}
	for _, line := range []string{`'`, `a "b c`, `"'`} {
		if words, err := splitWords(line); err == nil {
			t.Errorf("%s: got %q", line, words)
		}
	}
}
