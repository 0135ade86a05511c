// SPDX-License-Identifier: Apache-2.0

package layer

import (
	"errors"
	"fmt"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// sharing finds out which entries are names of one file.
type sharing struct {
	entries []Entry
	// puts and links are the entries by name.
	puts  map[string]*tree.Node
	links map[string]string
	// holders have the bytes of each file, first is its first name.
	holders map[*tree.Node]Entry
	first   map[*tree.Node]string
}

// newSharing looks at ordered entries.
func newSharing(entries []Entry) *sharing {
	s := &sharing{
		entries: entries,
		puts:    map[string]*tree.Node{},
		links:   map[string]string{},
		holders: map[*tree.Node]Entry{},
		first:   map[*tree.Node]string{},
	}
	for _, e := range entries {
		switch e.Op {
		case tree.Put:
			s.puts[e.Name] = e.Node
			if s.holders[e.Node].Open == nil {
				s.holders[e.Node] = e
			}
		case tree.Link:
			s.links[e.Name] = e.Target
		}
	}
	return s
}

// share makes hard links of all names of a file but the first, in place.
func (s *sharing) share() error {
	for i, e := range s.entries {
		n, err := s.file(e)
		if err != nil {
			return fmt.Errorf("writing layer entry %.300q: hard link to %q: %w", e.Name, e.Target, err)
		}
		if n == nil {
			if e.Op == tree.Link {
				s.entries[i].Target = s.end(e.Target)
			}
			continue
		}
		if target, ok := s.first[n]; ok {
			s.entries[i] = Entry{Change: tree.Change{Op: tree.Link, Name: e.Name, Target: target}}
			continue
		}
		s.first[n] = e.Name
		s.entries[i] = Entry{Change: tree.Change{Op: tree.Put, Name: e.Name, Node: n}, Open: s.holders[n].Open}
	}
	return nil
}

// file returns the file that an entry is a name of; nil for a folder and for
// what is not in the layer.
func (s *sharing) file(e Entry) (*tree.Node, error) {
	name := s.end(e.Name)
	n := s.puts[name]
	switch {
	case s.links[name] != "":
		return nil, errors.New("the links lead to each other")
	case n == nil || e.Op == tree.Remove || e.Op == tree.Clear:
		return nil, nil
	case n.Kind != tree.Dir:
		return n, nil
	case e.Op == tree.Link:
		return nil, errors.New("it is a folder")
	}
	return nil, nil
}

// end follows hard links to the file that they are links to, or round once
// when they lead to each other.
func (s *sharing) end(name string) string {
	for range len(s.links) + 1 {
		target, ok := s.links[name]
		if !ok {
			break
		}
		name = target
	}
	return name
}
