// SPDX-License-Identifier: Apache-2.0

package buildctx

import "unicode/utf8"

// maxOps is the longest glob whose states fit the set; one bit is for the end.
const maxOps = 63

// glob is a pattern of literal characters, "*", "?" and "**", run as a state
// machine: state i waits before op i, state len(glob) accepts.
type glob []op

type op struct {
	kind opKind
	char rune
}

type opKind uint8

const (
	opChar opKind = iota // this character
	opAny                // any character but "/"
	opStar               // any number of characters but "/"
	opDeep               // nothing, or anything that ends in "/"
	opRest               // anything up to the end
)

func parseGlob(pattern string) glob {
	var g glob
	for i := 0; i < len(pattern); {
		kind, size := globOp(pattern[i:])
		o := op{kind: kind}
		if kind == opChar {
			o.char, size = utf8.DecodeRuneInString(pattern[i:])
		}
		g = append(g, o)
		i += size
	}
	return g
}

// globOp returns the kind of the op that p begins with and, but for a
// character, its length.
func globOp(p string) (opKind, int) {
	switch {
	case p == "**" || p == "**/":
		return opRest, len(p)
	case len(p) > 2 && p[:3] == "**/":
		return opDeep, 3
	case len(p) > 1 && p[:2] == "**":
		return opDeep, 2
	case p[0] == '*':
		return opStar, 1
	case p[0] == '?':
		return opAny, 1
	}
	return opChar, 0
}

func (g glob) match(name string) bool {
	states := g.enter(0, 0)
	for _, r := range name {
		if states = g.step(states, r); states == 0 {
			return false
		}
	}
	return states&(1<<len(g)) != 0
}

func (g glob) inside(dir string) bool {
	states := g.enter(0, 0)
	for _, r := range dir {
		if states = g.step(states, r); states == 0 {
			return false
		}
	}
	// The accepting state leads nowhere.
	return g.step(states, '/')&^(1<<len(g)) != 0
}

// enter adds state i, and those reached from it by matching nothing.
func (g glob) enter(states uint64, i int) uint64 {
	states |= 1 << i
	if i < len(g) && g[i].kind >= opStar {
		return g.enter(states, i+1)
	}
	return states
}

// step returns the states after one more character. Docker's "**" stops at a
// newline, its "*" does not.
func (g glob) step(states uint64, r rune) uint64 {
	var next uint64
	for i, o := range g {
		if states&(1<<i) == 0 {
			continue
		}
		switch o.kind {
		case opChar:
			if r == o.char {
				next = g.enter(next, i+1)
			}
		case opAny:
			if r != '/' {
				next = g.enter(next, i+1)
			}
		case opStar:
			if r != '/' {
				next = g.enter(next, i)
			}
		case opDeep:
			if r == '/' {
				next = g.enter(next, i+1)
			}
			if r != '\n' {
				next |= 1 << i
			}
		case opRest:
			if r != '\n' {
				next = g.enter(next, i)
			}
		}
	}
	return next
}
