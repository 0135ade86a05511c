// SPDX-License-Identifier: Apache-2.0

package zimagefile

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// This file is the only one that knows the YAML library.

// load reads the one YAML document of the file. It returns nil after reporting
// why there is none.
func (p *parser) load() *node {
	if !p.checkText() {
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(p.src))
	var first, second yaml.Node
	switch err := decoder.Decode(&first); {
	case errors.Is(err, io.EOF), err == nil && len(first.Content) == 0:
		p.error(span{}, "empty-file", "the file is empty").Help = `write what to build from, as in "base: alpine"`
		return nil
	case err != nil:
		p.syntaxError(problem(err))
		return nil
	}
	c := converter{parser: p, at: newPlaces(p.src), made: map[*yaml.Node]*node{}}
	root := c.convert(first.Content[0])
	p.findComments()
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		p.severalDocuments(root.end)
	}
	if !p.checkAliases(root, c.first) {
		return nil
	}
	return root
}

// severalDocuments reports what comes after the first document.
func (p *parser) severalDocuments(end int) {
	at := span{end, end}
	if n := bytes.Index(p.src[end:], []byte("\n---")); n >= 0 {
		at = span{end + n + 1, end + n + 4}
	}
	p.error(at, "several-documents", "a second YAML document begins here; a ZImagefile has one").Help = `remove the "---" and what follows it`
}

// converter turns nodes of the library into ours.
type converter struct {
	*parser
	at   *places
	made map[*yaml.Node]*node
	// first is the first alias.
	first *node
}

func (c *converter) convert(y *yaml.Node) *node {
	start := c.at.offset(y.Line, y.Column)
	n := &node{span: span{start, start}, value: y.Value}
	c.made[y] = n
	switch y.Kind {
	case yaml.AliasNode:
		c.alias(n, y)
	case yaml.MappingNode, yaml.SequenceNode:
		c.collection(n, y)
	default:
		c.scalar(n, y)
	}
	return n
}

func (c *converter) alias(n *node, y *yaml.Node) {
	n.kind = aliasNode
	n.end = n.start + 1 + len(y.Value)
	n.target = c.made[y.Alias]
	if c.first == nil {
		c.first = n
	}
	c.scalars = append(c.scalars, n)
}

func (c *converter) scalar(n *node, y *yaml.Node) {
	switch {
	case y.Style&yaml.SingleQuotedStyle != 0:
		n.style = singleStyle
	case y.Style&yaml.DoubleQuotedStyle != 0:
		n.style = doubleStyle
	case y.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		n.style = blockStyle
	}
	n.typed = y.Style&yaml.TaggedStyle != 0 && y.ShortTag() == "!!str"
	if y.Anchor != "" || y.Style&yaml.TaggedStyle != 0 {
		n.start = skipProperties(c.src, n.start)
	}
	n.end = scalarEnd(c.src, n)
	c.checkTag(n, y)
	c.scalars = append(c.scalars, n)
}

func (c *converter) collection(n *node, y *yaml.Node) {
	n.kind = listNode
	if y.Kind == yaml.MappingNode {
		n.kind = mappingNode
	}
	if y.Anchor != "" || y.Style&yaml.TaggedStyle != 0 {
		n.start = skipProperties(c.src, n.start)
	}
	n.end = n.start
	n.items = make([]*node, len(y.Content))
	for i, child := range y.Content {
		n.items[i] = c.convert(child)
		n.items[i].isKey = n.kind == mappingNode && i%2 == 0
		n.end = max(n.end, n.items[i].end)
	}
	if y.Style&yaml.FlowStyle != 0 {
		n.end = bracketEnd(c.src, max(n.end, n.start+1))
	}
	c.checkTag(n, y)
}

// checkTag refuses tags that are not of YAML's core schema.
func (c *converter) checkTag(n *node, y *yaml.Node) {
	if y.Style&yaml.TaggedStyle == 0 {
		return
	}
	switch tag := y.ShortTag(); tag {
	case "!!str", "!!int", "!!bool", "!!float", "!!null", "!!map", "!!seq":
	default:
		c.error(n.span, "unknown-tag", "the tag "+quote(tag)+" has no meaning here").Help = "remove the tag"
	}
}

// parseError returns what the library finds wrong with a text, "" for nothing,
// and the line it names, 0 for none.
func parseError(src []byte) (string, int) {
	var n yaml.Node
	err := yaml.Unmarshal(src, &n)
	if err == nil {
		return "", 0
	}
	return problem(err), problemLine(err)
}

// problem is the library's message without its name and the line.
func problem(err error) string {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if strings.HasPrefix(text, "line ") {
		if _, rest, ok := strings.Cut(text, ": "); ok {
			return rest
		}
	}
	return text
}

// problemLine is the line that the library's message names, or 0.
func problemLine(err error) int {
	line, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), "yaml: line "), ":")
	n, _ := strconv.Atoi(line)
	return n
}
