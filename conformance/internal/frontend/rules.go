// SPDX-License-Identifier: Apache-2.0

package frontend

import (
	"path"
	"strconv"
	"strings"

	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

// checker finds what is wrong with one answer, whatever was asked.
type checker struct {
	request  *frontendv1.ParseRequest
	response *frontendv1.ParseResponse
	files    []*diag.Mapper
	problems []diag.Problem
}

// check returns which sentences of SPEC.md an answer breaks.
func check(request *frontendv1.ParseRequest, response *frontendv1.ParseResponse) []diag.Problem {
	c := &checker{request: request, response: response, files: []*diag.Mapper{diag.NewMapper(request.GetContent())}}
	names := response.GetBuild().GetFiles()
	for _, name := range names[min(1, len(names)):] {
		c.files = append(c.files, c.answered(name))
	}
	c.problems = diag.Check(c.files, response.GetDiagnostics())
	c.needs()
	c.tokens()
	c.symbols()
	c.build()
	return c.problems
}

// answered returns the text of a file that was an answer to a need.
func (c *checker) answered(name string) *diag.Mapper {
	for _, f := range c.request.GetFiles() {
		if f.GetPath() == name {
			return diag.NewMapper(f.GetContent())
		}
	}
	return nil
}

func (c *checker) require(ok bool, rule, path, message string) {
	if !ok {
		c.problems = append(c.problems, diag.Problem{Rule: rule, Path: path, Message: message})
	}
}

func (c *checker) rangeOf(path string, r *diagv1.Range) {
	c.problems = append(c.problems, diag.CheckRange(c.files, path, r)...)
}

// needs checks that what is asked for can be answered.
func (c *checker) needs() {
	for i, n := range c.response.GetNeeds() {
		at := "needs[" + strconv.Itoa(i) + "]"
		_, known := frontendv1.NeedKind_name[int32(n.GetKind())]
		c.require(known && n.GetKind() != 0, "F9", at, "has a kind that nobody knows")
		single := n.GetKind() != frontendv1.NeedKind_NEED_KIND_FIRST_OF
		c.require(len(n.GetPaths()) == 1 || !single && len(n.GetPaths()) > 0, "F9", at, "has not the right number of paths")
		for _, p := range n.GetPaths() {
			c.require(inside(p), "F9", at, strconv.Quote(p)+" is not a clean path inside the context")
		}
	}
}

// inside says whether a path is relative, clean and does not leave its root.
func inside(p string) bool {
	return p != "" && p == path.Clean(p) && !path.IsAbs(p) && p != ".." && !strings.HasPrefix(p, "../")
}

func (c *checker) tokens() {
	tokens := c.response.GetTokens()
	c.require(len(tokens) == 0 || c.request.GetTokens(), "F14", "tokens", "are there, and nobody asked for them")
	for i, t := range tokens {
		at := "tokens[" + strconv.Itoa(i) + "]"
		c.require(t.GetKind() != 0, "F14", at, "has no kind")
		c.require(t.GetRange().GetLine() != 0, "F14", at, "has no range")
		c.rangeOf(at, t.GetRange())
		if i > 0 {
			before := tokens[i-1].GetRange()
			r := t.GetRange()
			c.require(r.GetLine() > before.GetEndLine() || r.GetLine() == before.GetEndLine() && r.GetColumn() >= before.GetEndColumn(),
				"F14", at, "begins before the token before it ends")
		}
	}
}

func (c *checker) symbols() {
	symbols := c.response.GetSymbols()
	c.require(len(symbols) == 0 || c.request.GetTokens(), "F14", "symbols", "are there, and nobody asked for them")
	for i, s := range symbols {
		at := "symbols[" + strconv.Itoa(i) + "]"
		c.require(s.GetKind() != 0 && s.GetName() != "", "F14", at, "has no kind or no name")
		c.rangeOf(at+".definition", s.GetDefinition())
		for j, r := range s.GetReferences() {
			c.rangeOf(at+".references["+strconv.Itoa(j)+"]", r)
		}
	}
}

// build checks the build. With errors or needs it is provisional, and only its
// ranges count.
func (c *checker) build() {
	build := c.response.GetBuild()
	final := len(c.response.GetNeeds()) == 0 && !diag.HasErrors(c.response.GetDiagnostics())
	c.require(build != nil || !final, "F8", "build", "is not there, and neither is an error")
	if build == nil {
		return
	}
	if err := ir.Validate(build); err != nil && final {
		c.require(false, broken(build, err.Error()), "build", strings.TrimPrefix(err.Error(), "invalid build: "))
	}
	ir.Walk(build, func(path string, node any) bool {
		for _, r := range nodeRanges(node) {
			c.rangeOf("build."+path, r)
		}
		c.require(!final || !stands(node) || nodeRanges(node)[0].GetLine() != 0, "S8", "build."+path, "has no range")
		return true
	})
}

// broken names the sentence that a build breaks, of which the SDK says what is
// wrong.
func broken(b *irv1.Build, problem string) string {
	has := func(s string) bool { return strings.Contains(problem, s) }
	switch {
	case b.Open() != "":
		return "S1"
	case has(": features"):
		return "S2"
	case has("there is no stage"), has("it is not an ARG"):
		return "S3"
	case has("not exactly one word"):
		return "S5"
	case has("trigger of ONBUILD"):
		return "S6"
	case has("range: "):
		return "D2"
	}
	return "S9"
}

// nodeRanges returns the ranges of a node of the IR.
func nodeRanges(node any) []*diagv1.Range {
	if h, ok := node.(*irv1.Heredoc); ok {
		return []*diagv1.Range{h.GetRange(), h.GetBody()}
	}
	if n, ok := node.(interface{ GetRange() *diagv1.Range }); ok {
		return []*diagv1.Range{n.GetRange()}
	}
	return nil
}

// stands reports whether a node always stands in the text. Words may be what is
// meant where nothing is written.
func stands(node any) bool {
	switch node.(type) {
	case *irv1.Stage, *irv1.Step, *irv1.Heredoc, *irv1.Wasm, *irv1.WasmOption:
		return true
	}
	return false
}
