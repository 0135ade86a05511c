// SPDX-License-Identifier: Apache-2.0

package frontend

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/zlayer/zlayer/conformance/suite"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
)

// budget is how long a case may take: also a machine that is busy must not fail
// it.
const budget = 5 * time.Minute

// hostileCases ask about what nobody writes. The same seeds give the same texts
// on every machine.
func (p *plugin) hostileCases() []suite.Case {
	kinds := []struct {
		name, about string
		requests    func() []*frontendv1.ParseRequest
	}{
		{"hostile-mutations", "1,000 mutations of the texts of the vectors are answered", func() []*frontendv1.ParseRequest { return p.mutations(1000) }},
		{"hostile-cut", "the texts of the vectors, cut off anywhere, are answered", p.cuts},
		{"hostile-random", "random bytes are answered", p.garbage},
	}
	var list []suite.Case
	for _, k := range kinds {
		list = append(list, suite.Case{
			Name: section + k.name, About: k.about, Spec: []string{"F7", "F1"}, After: append(based(), answered),
			Run: func(ctx context.Context, t *suite.T) { p.withstand(ctx, t, k.requests()) },
		})
	}
	return list
}

// withstand asks about texts, each of which must be answered by the rules.
func (p *plugin) withstand(ctx context.Context, t *suite.T, requests []*frontendv1.ParseRequest) {
	bad := 0
	for i, request := range requests {
		a, err := p.resident.ask(ctx, request)
		switch {
		case err != nil:
			_, problem := askProblem(request, err)
			problem.Message += fmt.Sprintf(" (text %d)", i)
			t.Fail(problem)
		default:
			problems := p.unreported(check(request, a.ParseResponse))
			if len(problems) == 0 {
				continue
			}
			t.Fail(ruleProblem(request, problems[0]))
		}
		if bad++; bad == maxFound || ctx.Err() != nil {
			return
		}
	}
}

// mutations are texts of the vectors with a few things done to them.
func (p *plugin) mutations(n int) []*frontendv1.ParseRequest {
	texts := p.requests()
	list := make([]*frontendv1.ParseRequest, n)
	for i := range list {
		random := rand.New(rand.NewPCG(uint64(i), 1))
		r := texts[random.IntN(len(texts))]
		content := r.GetContent()
		for range 1 + random.IntN(4) {
			content = mutate(random, content, texts[random.IntN(len(texts))].GetContent())
		}
		list[i] = &frontendv1.ParseRequest{Name: r.GetName(), Content: content, Tokens: i%2 == 0}
	}
	return list
}

// odd are pieces that mean something to some language.
var odd = []string{
	"\x00", "\xff", "\xc3", "é", "😀", "\ufeff", "\r", "\r\n", "\n\n", "\t", " ", "\u2028", "\u00a0", `\`, "\\\n", "`", `"`, "'", "$", "${", "${a:-", "}", "[", "]", "{", ",", "=",
	"<<", "<<EOF", "<<-'x'", "\nEOF\n", "#", "# escape=`\n", "--", "--mount=", "--from=0", ":", "- ", "&a ", "*a", "|\n", ">\n", "? ", "!!str ", "---\n", "%", "@", "1e999", "~",
}

// mutate returns a text with one thing done to it.
func mutate(random *rand.Rand, text, other []byte) []byte {
	at := func(b []byte) int { return random.IntN(len(b) + 1) }
	i, j := at(text), at(text)
	i, j = min(i, j), max(i, j)
	switch random.IntN(7) {
	case 0:
		return slices.Concat(text[:i], []byte(odd[random.IntN(len(odd))]), text[i:])
	case 1:
		return slices.Concat(text[:i], text[j:])
	case 2:
		return slices.Concat(text[:j], text[i:])
	case 3:
		k := at(other)
		return slices.Concat(text[:i], other[k:])
	case 4:
		flipped := bytes.Clone(text)
		if i < len(flipped) {
			flipped[i] ^= 1 << random.IntN(8)
		}
		return flipped
	case 5:
		return slices.Concat(text[:i], bytes.Repeat(text[i:min(j, i+20)], random.IntN(50)), text[i:])
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	random.Shuffle(len(lines), func(a, b int) { lines[a], lines[b] = lines[b], lines[a] })
	return bytes.Join(lines, nil)
}

// cuts are the texts of the vectors, each cut off in twenty places.
func (p *plugin) cuts() []*frontendv1.ParseRequest {
	const places = 20
	var list []*frontendv1.ParseRequest
	for _, r := range p.requests() {
		content := r.GetContent()
		for i := range places {
			cut := content[:len(content)*i/places]
			list = append(list, &frontendv1.ParseRequest{Name: r.GetName(), Content: cut, Tokens: true})
		}
	}
	return list
}

// few are characters that mean something to most languages.
const few = "ab \n:-\"'[]{}#$\\<=,"

// garbage are random bytes, short and long.
func (p *plugin) garbage() []*frontendv1.ParseRequest {
	random := rand.New(rand.NewPCG(2, 2))
	var list []*frontendv1.ParseRequest
	for i := range 300 {
		content := make([]byte, random.IntN(1<<(i%14)))
		for j := range content {
			content[j] = byte(random.Uint32())
			if i%3 == 0 { // text of a small alphabet
				content[j] = few[int(content[j])%len(few)]
			}
		}
		list = append(list, &frontendv1.ParseRequest{Name: p.file, Content: content, Tokens: true})
	}
	return list
}
