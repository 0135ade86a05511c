// SPDX-License-Identifier: Apache-2.0

// Package life holds the cases about the life of a backend: handshake,
// versions, cancel, death, limits, leaks, secrets. They are scripts, see
// conformance/vectors/README.md; this package plays them.
package life

import (
	"context"
	"fmt"
	"os"

	"github.com/zlayer/zlayer/conformance/internal/target"
	"github.com/zlayer/zlayer/conformance/suite"
	"github.com/zlayer/zlayer/conformance/vectors"
)

// prefix is that of the names of the cases.
const prefix = "life/"

// Cases returns the cases for a plugin and a function that ends what they
// share.
func Cases(t *target.Target) (cases []suite.Case, done func(), err error) {
	s, err := newSection(t)
	if err != nil {
		return nil, func() {}, err
	}
	lives, err := vectors.Lives()
	if err != nil {
		return nil, s.close, err
	}
	for _, dir := range t.Vectors {
		more, err := vectors.ReadLives(os.DirFS(dir))
		if err != nil {
			return nil, s.close, fmt.Errorf("%s: %w", dir, err)
		}
		lives = append(lives, more...)
	}
	for _, l := range inOrder(lives) {
		if !l.For(string(s.kind), s.language) {
			continue
		}
		if err := check(l); err != nil {
			return nil, s.close, fmt.Errorf("life/%s: %w", l.Name, err)
		}
		cases = append(cases, s.makeCase(l))
	}
	return cases, s.close, nil
}

// inOrder puts each script behind those that it comes after, and else leaves
// the order as it is.
func inOrder(lives []*vectors.Life) []*vectors.Life {
	byName := map[string]*vectors.Life{}
	for _, l := range lives {
		byName[l.Name] = l
	}
	var list []*vectors.Life
	placed := map[string]bool{}
	var place func(l *vectors.Life)
	place = func(l *vectors.Life) {
		if placed[l.Name] {
			return
		}
		placed[l.Name] = true
		for _, name := range l.After {
			if before, ok := byName[name]; ok {
				place(before)
			}
		}
		list = append(list, l)
	}
	for _, l := range lives {
		place(l)
	}
	return list
}

// makeCase makes the case of a script.
func (s *section) makeCase(l *vectors.Life) suite.Case {
	script, _ := l.File("script")
	c := suite.Case{
		Name: prefix + l.Name, About: l.About, Spec: l.Spec, Input: string(script),
		Level: suite.Must, Alone: l.Alone, Limit: l.Limit,
		Run: func(ctx context.Context, t *suite.T) { s.play(ctx, t, l) },
	}
	if l.Should {
		c.Level = suite.Should
	}
	for _, name := range l.After {
		c.After = append(c.After, prefix+name)
	}
	return c
}
