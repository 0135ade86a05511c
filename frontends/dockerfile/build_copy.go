// SPDX-License-Identifier: Apache-2.0

package dockerfile

import (
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// copy builds COPY and ADD.
func (p *parser) copy(in *instruction) *irv1.Copy {
	c := &irv1.Copy{
		From:       p.fromValue(),
		Chown:      p.expandedValue("chown", invalidFlagValue, nil),
		Chmod:      p.expandedValue("chmod", invalidMode, wrongMode),
		Link:       p.value("link"),
		Parents:    p.value("parents"),
		Checksum:   p.expandedValue("checksum", invalidChecksum, wrongChecksum),
		KeepGitDir: p.value("keep-git-dir"),
		Unpack:     p.value("unpack"),
	}
	for i := range p.flags {
		if p.flags[i].name == "exclude" {
			c.Exclude = append(c.Exclude, p.word(p.flags[i].value))
		}
	}
	args, ok := p.paths(in)
	if !ok {
		return nil
	}
	c.Sources, c.Destination = args[:len(args)-1], args[len(args)-1]
	c.Inline = p.heredocs(in)
	for i := range in.heredocs {
		p.checkBody(&in.heredocs[i])
	}
	p.checkChecksumSource(c)
	return c
}

// paths returns the paths of COPY and ADD, the last of which is the
// destination.
func (p *parser) paths(in *instruction) ([]*irv1.Word, bool) {
	if in.json == jsonOther {
		p.jsonFault(in.rest)
		return nil, false
	}
	if in.json == jsonArray {
		return p.strings(in, in.rest, (*parser).expanded), p.enoughPaths(in, len(in.strings))
	}
	p.scratch = in.pathFields(p.scratch[:0])
	args := p.scratch
	if !p.enoughPaths(in, len(args)+len(in.heredocs)) {
		return nil, false
	}
	if n := len(in.heredocs); n > 0 && (len(args) == 0 || args[len(args)-1].start < in.heredocs[n-1].word.start) {
		p.fault(heredocDestination, in.heredocs[n-1].word, "a here-document cannot be the destination").Help =
			"write where the file goes as the last argument"
		return nil, false
	}
	list := p.plainWords(in, args)
	return list, list != nil
}

// plainWords builds words that could have been in the JSON form. One mistake
// there is one diagnostic, not one for each word.
func (p *parser) plainWords(in *instruction, words []word) []*irv1.Word {
	json := looksLikeJSON(in.line.text[in.rest.start:in.rest.end])
	list := make([]*irv1.Word, len(words))
	good := true
	for i, w := range words {
		switch {
		case good && json:
			good = p.lexes(w)
		case good:
			if d := p.checkExpansion(w); d != nil {
				good = false
				d.Help = `blanks part the words even inside quotes; for a path with blanks use ["a b", "c"]`
			}
		}
		list[i] = p.literal(w)
	}
	if json && !good {
		p.fault(jsonMalformed, in.rest, "this is not valid JSON").Help = jsonHelp
		return nil
	}
	p.warnJSON(in, in.rest, "plain words")
	return list
}

// enoughPaths reports whether there are a source and a destination.
func (p *parser) enoughPaths(in *instruction, count int) bool {
	switch count {
	case 0:
		p.missing(in, "a source and a destination")
	case 1:
		p.missing(in, "a destination after the source")
	}
	return count >= 2
}

// pathFields appends the words that begin no here-document.
func (in *instruction) pathFields(list []word) []word {
	start := in.rest.start
	for _, h := range in.heredocs {
		list = fields(list, in.line.text, start, h.word.start)
		start = h.word.end
	}
	return fields(list, in.line.text, start, in.rest.end)
}

// fromValue returns the value of --from. Docker expands no variable there.
func (p *parser) fromValue() *irv1.Word {
	f := p.flag("from")
	if f == nil {
		return nil
	}
	if i := strings.IndexByte(f.value.text, '$'); i >= 0 {
		p.fault(variableNotSupported, f.value.span, "--from cannot hold a variable").Help =
			"begin a stage with the variable, FROM ... AS name, and copy from that stage"
	} else {
		p.useStage(f.value, true)
	}
	return p.word(f.value)
}

// useStage notes a name that may be that of a stage. In an ONBUILD it is one
// of another file.
func (p *parser) useStage(w word, number bool) {
	if !p.inTrigger && p.stage != nil {
		p.lint.uses = append(p.lint.uses, stageUse{
			stage: len(p.container.Stages) - 1, name: w.text, at: p.line.source(w.start, w.end), number: number,
		})
	}
}

// checkChecksumSource checks that a checksum has one remote source.
func (p *parser) checkChecksumSource(c *irv1.Copy) {
	f := p.flag("checksum")
	if f == nil {
		return
	}
	if len(c.Sources)+len(c.Inline) != 1 {
		p.fault(invalidChecksum, f.whole.span, "--checksum needs exactly one source")
		return
	}
	if len(c.Inline) == 1 || isLocalPath(c.Sources[0].Text) {
		p.fault(invalidChecksum, f.whole.span, "--checksum is for URLs and git repositories, not for local files")
	}
}

// isLocalPath reports whether a source surely is a path in the context.
func isLocalPath(s string) bool {
	return !strings.ContainsAny(s, ":$") && !strings.HasPrefix(s, "github.com/")
}

// heredocs returns the here-documents of an instruction as the IR holds them.
func (p *parser) heredocs(in *instruction) []*irv1.Heredoc {
	var list []*irv1.Heredoc
	for i := range in.heredocs {
		h := &in.heredocs[i]
		list = append(list, &irv1.Heredoc{
			Name:      h.name,
			Content:   h.content(p.src),
			Expand:    h.expand,
			StripTabs: h.strip,
			Fd:        h.fd,
			Range:     p.rangeOf(in.line.source(h.word.start, h.word.end)),
			Body:      p.rangeOf(h.body),
		})
	}
	return list
}

// checkBody checks the variables in a file given inline, where they are
// expanded and quotes mean nothing.
func (p *parser) checkBody(h *heredoc) {
	body := p.src[h.body.start:h.body.end]
	if !h.expand || !hasVariable(body) {
		return
	}
	whole := p.line
	defer func() { p.line = whole }()
	p.line = &line{text: body, pieces: []piece{{0, h.body.start}}}
	w := cut(body, 0, len(body))
	l := lexer{text: body, escape: p.escape, plain: true}
	if t := p.variables(&l, w); t.item == lexError {
		w.end = t.end // what is open has no end, and the rest of the body is not it
		p.lexFault(&l, w)
	}
}
