// SPDX-License-Identifier: Apache-2.0

package dockerfile

import (
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
)

const (
	symbolStage = frontendv1.SymbolKind_SYMBOL_KIND_STAGE
	symbolArg   = frontendv1.SymbolKind_SYMBOL_KIND_ARG
	symbolEnv   = frontendv1.SymbolKind_SYMBOL_KIND_ENV
	symbolImage = frontendv1.SymbolKind_SYMBOL_KIND_IMAGE
)

// symbols collects the names of a file. There is one symbol for each name of a
// kind: a second ARG or ENV of the same name is a reference to the first. A
// variable refers to the last ARG or ENV above it, whatever the stage.
type symbols struct {
	all   []symbol
	index map[symbolKey]int
	// variables holds the symbol that a variable refers to.
	variables map[string]int
}

type symbolKey struct {
	kind frontendv1.SymbolKind
	name string
}

type symbol struct {
	symbolKey
	definition span
	references []mark
}

// first returns where the symbol first stands.
func (s symbol) first() span {
	if s.definition.end > 0 || len(s.references) == 0 {
		return s.definition
	}
	return s.references[0].span
}

func newSymbols() *symbols {
	return &symbols{index: map[symbolKey]int{}, variables: map[string]int{}}
}

// find returns the index of a symbol, and whether it is new.
func (s *symbols) find(kind frontendv1.SymbolKind, name string) (int, bool) {
	key := symbolKey{kind, name}
	i, ok := s.index[key]
	if !ok {
		i = len(s.all)
		s.index[key] = i
		s.all = append(s.all, symbol{symbolKey: key})
	}
	return i, !ok
}

// define notes a definition.
func (s *symbols) define(kind frontendv1.SymbolKind, name string, at span) {
	if s == nil || name == "" {
		return
	}
	i, isNew := s.find(kind, name)
	if isNew {
		s.all[i].definition = at
	} else {
		s.all[i].references = append(s.all[i].references, mark{span: at})
	}
	if kind == symbolArg || kind == symbolEnv {
		s.variables[name] = i
	}
}

// use notes a reference to a stage or an image.
func (s *symbols) use(kind frontendv1.SymbolKind, name string, at span) {
	if s == nil || name == "" {
		return
	}
	i, _ := s.find(kind, name)
	s.all[i].references = append(s.all[i].references, mark{span: at})
}

// useVariable notes a variable, if the file defines it.
func (s *symbols) useVariable(name string, at span) {
	if i, ok := s.variables[name]; ok {
		s.all[i].references = append(s.all[i].references, mark{span: at})
	}
}

// list returns the symbols in the order in which they first stand in the file.
func (s *symbols) list(p *parser) []*frontendv1.Symbol {
	if s == nil {
		return nil
	}
	order := make([]mark, len(s.all))
	for i := range s.all {
		sortMarks(s.all[i].references)
		order[i] = mark{int32(i), s.all[i].first()}
	}
	sortMarks(order)
	list := make([]*frontendv1.Symbol, len(s.all))
	for i, o := range order {
		sym := s.all[o.kind]
		x := &frontendv1.Symbol{Kind: sym.kind, Name: sym.name, References: make([]*diagv1.Range, len(sym.references))}
		if sym.definition.end > 0 {
			x.Definition = p.rangeOf(sym.definition)
		}
		for j, at := range sym.references {
			x.References[j] = p.rangeOf(at.span)
		}
		list[i] = x
	}
	return list
}
