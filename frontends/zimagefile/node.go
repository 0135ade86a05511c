// SPDX-License-Identifier: Apache-2.0

package zimagefile

// kind is the kind of a YAML node.
type kind uint8

const (
	scalarNode kind = iota
	listNode
	mappingNode
	aliasNode
)

// style is how a scalar is written.
type style uint8

const (
	plainStyle style = iota
	singleStyle
	doubleStyle
	blockStyle
)

// node is a YAML node and where it stands in the source. The span of a scalar
// holds its quotes, but not its anchor or tag.
type node struct {
	span
	kind  kind
	style style
	// isKey is true for the key of a mapping.
	isKey bool
	// typed is true when an explicit tag makes text of a scalar.
	typed bool
	// value is the text of a scalar, the name of an alias.
	value string
	// items are the elements of a list, or the keys and values of a mapping,
	// alternately.
	items []*node
	// target is what an alias stands for.
	target *node
}

// resolve follows an alias.
func (n *node) resolve() *node {
	if n.kind == aliasNode {
		return n.target
	}
	return n
}

// isNull reports whether a node says "nothing".
func (n *node) isNull() bool {
	if n.kind != scalarNode || n.style != plainStyle || n.typed {
		return false
	}
	switch n.value {
	case "", "~", "null", "Null", "NULL":
		return true
	}
	return false
}

// isNumber reports whether a scalar reads as a whole number.
func (n *node) isNumber() bool {
	return n.kind == scalarNode && n.style == plainStyle && isDigits(n.value)
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// describe names the kind of a node for a message.
func (n *node) describe() string {
	switch n.kind {
	case listNode:
		return "a list"
	case mappingNode:
		return "a mapping"
	}
	if n.isNull() {
		return "nothing"
	}
	return "text"
}
