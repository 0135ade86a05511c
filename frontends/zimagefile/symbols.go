// SPDX-License-Identifier: Apache-2.0

package zimagefile

import (
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// symbolTable gathers names and where they stand.
type symbolTable struct {
	list  []*frontendv1.Symbol
	index map[symbolKey]*frontendv1.Symbol
}

type symbolKey struct {
	kind frontendv1.SymbolKind
	name string
}

func (t *symbolTable) get(kind frontendv1.SymbolKind, name string) *frontendv1.Symbol {
	k := symbolKey{kind, name}
	if t.index[k] == nil {
		s := &frontendv1.Symbol{Kind: kind, Name: name}
		t.index[k] = s
		t.list = append(t.list, s)
	}
	return t.index[k]
}

func (t *symbolTable) define(kind frontendv1.SymbolKind, name string, at *diagv1.Range) {
	if s := t.get(kind, name); s.Definition == nil {
		s.Definition = at
	} else if !s.Definition.EqualVT(at) {
		s.References = append(s.References, at)
	}
}

// symbols lists the stages, arguments, variables and images of a build.
func (p *parser) symbols(b *irv1.Build) []*frontendv1.Symbol {
	t := &symbolTable{index: map[symbolKey]*frontendv1.Symbol{}}
	for _, key := range p.stageKeys {
		t.define(frontendv1.SymbolKind_SYMBOL_KIND_STAGE, key.value, p.rangeOf(key.span))
	}
	c := b.GetContainer()
	for _, step := range c.GetArgs() {
		t.defineStep(step)
	}
	for _, stage := range c.GetStages() {
		p.source(t, stage.Base)
		for _, step := range stage.Steps {
			t.defineStep(step)
			p.source(t, step.GetCopy().GetFrom())
		}
	}
	p.uses(t)
	return t.list
}

// defineStep defines what ARG and ENV do.
func (t *symbolTable) defineStep(s *irv1.Step) {
	for _, pair := range s.GetArg().GetPairs() {
		t.define(frontendv1.SymbolKind_SYMBOL_KIND_ARG, pair.Key.Text, pair.Key.Range)
	}
	for _, pair := range s.GetEnv().GetPairs() {
		t.define(frontendv1.SymbolKind_SYMBOL_KIND_ENV, pair.Key.Text, pair.Key.Range)
	}
}

// source records a base or the source of a copy: a stage or an image.
func (p *parser) source(t *symbolTable, w *irv1.Word) {
	name := w.GetText()
	if name == "" || name == "scratch" || strings.Contains(name, "$") || isDigits(name) {
		return
	}
	s := (*frontendv1.Symbol)(nil)
	if i, ok := p.stageAt[strings.ToLower(name)]; ok {
		s = t.get(frontendv1.SymbolKind_SYMBOL_KIND_STAGE, p.stageKeys[i].value)
	} else {
		s = t.get(frontendv1.SymbolKind_SYMBOL_KIND_IMAGE, name)
	}
	s.References = append(s.References, w.Range)
}

// uses records the uses of arguments and variables.
func (p *parser) uses(t *symbolTable) {
	for _, n := range p.scalars {
		if n.isKey {
			continue
		}
		for _, v := range p.variables(n) {
			for _, kind := range []frontendv1.SymbolKind{frontendv1.SymbolKind_SYMBOL_KIND_ARG, frontendv1.SymbolKind_SYMBOL_KIND_ENV} {
				if s := t.index[symbolKey{kind, v.name}]; s != nil {
					s.References = append(s.References, p.rangeOf(v.at))
				}
			}
		}
	}
}
