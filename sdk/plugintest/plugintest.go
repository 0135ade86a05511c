// SPDX-License-Identifier: Apache-2.0

// Package plugintest tests plugins: it calls a frontend or a backend as a host
// does and checks what the specification asks of its answers. It needs the
// standard library only, and works in an author's ordinary tests and fuzz
// targets.
//
//	func TestMine(t *testing.T) {
//		res := plugintest.Parse(t, frontend.Func(mine.Parse), "Buildfile", "hello\n")
//		…
//	}
package plugintest

import (
	"fmt"
	"testing"
)

// problems collects what is wrong, each with the id of a sentence in SPEC.
type problems []string

func (p *problems) addf(format string, args ...any) {
	*p = append(*p, fmt.Sprintf(format, args...))
}

func (p *problems) check(ok bool, format string, args ...any) {
	if !ok {
		p.addf(format, args...)
	}
}

// report fails the test with each problem.
func report(t testing.TB, p problems) {
	t.Helper()
	for _, text := range p {
		t.Error(text)
	}
}
