// SPDX-License-Identifier: Apache-2.0

// Package zimagefile is the frontend for ZImagefiles: a container image or a
// WebAssembly module described in YAML.
//
// # Values
//
// Where the schema asks for text, numbers and truth values mean their source
// text: "version: 1", "PORT: 8080" and "DEBUG: true" need no quotes. Nothing
// (an empty value, "~" or "null") is not text; write "" for an empty one. Only
// under args may a value be missing: it declares an argument without default.
//
// $NAME and ${NAME…} stand for variables, with the modifiers of a Dockerfile,
// in base, platform, args, env, labels, workdir, user, owner, chmod, volumes,
// expose, stopsignal, the paths of copy and add, and the mounts and variables
// of run. "$$" and "\$" are a dollar sign; quotes and other backslashes mean
// themselves. Commands reach the shell as they are written.
//
// # Scope of args
//
// Arguments at the top are for base and platform, as those before the first
// FROM of a Dockerfile. In a file with one stage they hold in the stage too. A
// stage of several declares what it uses, "args: {NAME: ""}" takes over the
// value from the top.
package zimagefile

import (
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

// Parse says what a ZImagefile means. All problems are reported, but for a
// mistake in the YAML itself, after which nothing can be understood.
func Parse(r *frontendv1.ParseRequest) *frontendv1.ParseResponse {
	p := &parser{src: r.GetContent(), mapper: diag.NewMapper(r.GetContent()), files: r.GetFiles()}
	res := &frontendv1.ParseResponse{}
	if root := p.load(); root != nil {
		res.Build = p.build(root)
	}
	if b := res.Build; b != nil {
		b.Files = []string{r.GetName()}
		b.Features = ir.SourceFeatures(b)
	}
	res.Diagnostics = p.findings()
	res.Needs = p.needs
	if r.GetTokens() {
		res.Tokens = p.tokens()
		res.Symbols = p.symbols(res.Build)
	}
	return res
}

// parser is the state of one parse.
type parser struct {
	src    []byte
	mapper *diag.Mapper
	found  []*diagv1.Diagnostic
	// files are the host's answers, and needs what it is still asked.
	files []*frontendv1.File
	needs []*frontendv1.Need
	// scalars are all scalars of the file in order, aliases included.
	scalars []*node
	// comments are all comments of the file in order.
	comments []span
	// stageKeys are the names of stages, in order; empty for one stage.
	stageKeys []*node
	// stageAt finds a stage by its name in lower case.
	stageAt map[string]int
	// current is the number of the stage being read.
	current int
}

// span is a half-open stretch of the source, in bytes.
type span struct{ start, end int }

func (p *parser) rangeOf(s span) *diagv1.Range { return p.mapper.Range(s.start, s.end) }

// build reads the document.
func (p *parser) build(root *node) *irv1.Build {
	f, ok := p.fields(root, "a ZImagefile", topKeys)
	if !ok {
		return nil
	}
	d := document{parser: p, top: f}
	return d.build()
}
