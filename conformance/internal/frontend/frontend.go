// SPDX-License-Identifier: Apache-2.0

// Package frontend holds the cases about frontends: the protocol, the
// languages, purity, hostile input, budgets.
package frontend

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/zlayer/zlayer/conformance/internal/engine"
	"github.com/zlayer/zlayer/conformance/internal/target"
	"github.com/zlayer/zlayer/conformance/suite"
	"github.com/zlayer/zlayer/conformance/vectors"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// section is the name before the slash of all cases.
const section = "frontend/"

// first is the case without which no other says anything.
const first = section + "protocol-answers"

// Cases returns the cases for a plugin and a function that ends what they
// share.
func Cases(t *target.Target) (cases []suite.Case, done func(), err error) {
	all, err := gather(t.Vectors)
	if err != nil {
		return nil, func() {}, err
	}
	e, err := engine.Open(t.Engine, t.Cache)
	if err != nil {
		return nil, func() {}, err
	}
	p := newPlugin(t, e, all)
	return p.cases(), p.done, nil
}

// gather reads the vectors of this project and those in the author's folders,
// which replace those of the same name.
func gather(folders []string) ([]*vectors.Frontend, error) {
	all, err := vectors.Frontends()
	if err != nil {
		return nil, err
	}
	named := map[string]int{}
	for i, v := range all {
		named[v.Name] = i
	}
	for _, folder := range folders {
		more, err := vectors.ReadFrontends(os.DirFS(folder))
		if err != nil {
			return nil, fmt.Errorf("reading the vectors in %s: %w", folder, err)
		}
		for _, v := range more {
			if i, ok := named[v.Name]; ok {
				all[i] = v
				continue
			}
			named[v.Name] = len(all)
			all = append(all, v)
		}
	}
	return all, nil
}

// plugin is the frontend that is tested.
type plugin struct {
	*target.Target
	engine *engine.Engine
	// resident is an instance that is asked again and again.
	resident *resident
	// file is the name of a build file that it claims.
	file string
	// scripts and texts are the vectors about the protocol, and those about the
	// languages that it claims.
	scripts, texts []*vectors.Frontend
	survey         *survey
}

func newPlugin(t *target.Target, e *engine.Engine, all []*vectors.Frontend) *plugin {
	p := &plugin{Target: t, engine: e, file: claimed(t.Manifest.Claims), survey: &survey{}}
	p.resident = &resident{plugin: p}
	for _, v := range all {
		switch {
		case v.File == "":
			p.scripts = append(p.scripts, v)
		case t.Manifest.Claims.Match(v.File) != manifest.NoMatch:
			p.texts = append(p.texts, v)
		}
	}
	return p
}

// claimed returns the name of a build file that the frontend claims.
func claimed(c *manifest.Claims) string {
	if c == nil || len(c.Files) == 0 {
		return "Buildfile"
	}
	for _, name := range c.Files {
		if !strings.ContainsAny(name, `*?[\`) {
			return name
		}
	}
	return strings.NewReplacer("*", "x", "?", "x").Replace(c.Files[0])
}

// cases lists the cases, those that others build on first.
func (p *plugin) cases() []suite.Case {
	var list []suite.Case
	for _, v := range p.scripts {
		if section+v.Name == first {
			list = append(list, p.scriptCase(v))
		}
	}
	list = append(list, p.ruleCases()...)
	list = append(list, p.needsEndCase())
	list = append(list, p.pureCases()...)
	for _, v := range p.scripts {
		if section+v.Name != first {
			list = append(list, p.scriptCase(v))
		}
	}
	for _, v := range p.texts {
		list = append(list, p.textCase(v))
	}
	list = slices.Concat(list, p.hostileCases(), p.budgetCases())
	for i := range list {
		list[i].Limit = budget
	}
	return list
}

// done ends what the cases share.
func (p *plugin) done() {
	p.resident.end()
	_ = p.engine.Close()
}

// vectorCase is the part of a case that its vector says.
func vectorCase(v *vectors.Frontend, after ...string) suite.Case {
	c := suite.Case{Name: section + v.Name, About: v.About, Spec: v.Spec, After: after}
	if v.Should {
		c.Level = suite.Should
	}
	for _, name := range v.After {
		c.After = append(c.After, section+name)
	}
	return c
}
