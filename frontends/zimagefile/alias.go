// SPDX-License-Identifier: Apache-2.0

package zimagefile

// Aliases are followed, not copied. What they come to is still bounded, for
// the build holds every use.
const (
	// aliasBase is the size of an expansion that is always allowed.
	aliasBase = 1 << 20
	// aliasFactor is how many times larger than its text a file may become.
	aliasFactor = 4
)

// checkAliases reports aliases that stand for themselves or for too much.
func (p *parser) checkAliases(root, first *node) bool {
	if first == nil {
		return true
	}
	m := measure{sizes: map[*node]int{}}
	size := m.size(root)
	switch {
	case m.cycle != nil:
		p.error(m.cycle.span, "bad-alias", "the alias "+quote(m.cycle.value)+" is inside what it stands for").Help = "write out what is meant"
		return false
	case size > aliasBase && size > aliasFactor*len(p.src):
		p.error(first.span, "bad-alias", "the aliases of this file come to too much text").Help = "use fewer aliases of large nodes"
		return false
	}
	return true
}

// measure adds up the sizes of nodes, aliases followed.
type measure struct {
	sizes map[*node]int
	cycle *node
}

// busy marks a node that is being measured.
const busy = -1

func (m *measure) size(n *node) int {
	if n.kind == scalarNode {
		return 16 + len(n.value)
	}
	if n.kind == aliasNode {
		if m.sizes[n.target] == busy {
			m.cycle = n
			return 0
		}
		return m.size(n.target)
	}
	if size, ok := m.sizes[n]; ok {
		return size
	}
	m.sizes[n] = busy
	size := 16
	for _, item := range n.items {
		size = min(size+m.size(item), 1<<30)
	}
	m.sizes[n] = size
	return size
}
