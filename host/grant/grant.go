// SPDX-License-Identifier: Apache-2.0

// Package grant says what a plugin may touch, for people to accept before it is
// installed, and how two versions of a plugin differ in that. It looks at
// manifests alone.
package grant

import (
	"cmp"
	"slices"
	"strings"

	"github.com/zlayer/zlayer/sdk/manifest"
)

// Kind says what a grant is about.
type Kind string

// The kinds of grant.
const (
	// Nothing is all that frontends have: they are confined by wasm.
	Nothing Kind = "nothing"
	// Network is the network.
	Network Kind = "network"
	// Path is a file or folder beyond contexts, images and its own state.
	Path Kind = "path"
	// Privilege is something that plain programs do not do, such as mount.
	Privilege Kind = "privilege"
	// Tool is a program it runs.
	Tool Kind = "tool"
	// Environment is a variable it is given, or a prefix of some.
	Environment Kind = "environment"
	// Confinement is what holds it to the rest.
	Confinement Kind = "confinement"
)

// Grant is one thing that a plugin may touch.
type Grant struct {
	// Kind is what it is.
	Kind Kind `json:"kind"`
	// Name is which one: a path, a privilege, a tool, a variable; for
	// Confinement Confined or Unconfined. Empty for Nothing and Network.
	Name string `json:"name,omitempty"`
	// Write is whether it may also change the path.
	Write bool `json:"write,omitempty"`
}

// The names of Confinement.
const (
	Confined   = "landlock"
	Unconfined = "none"
)

// String says it in words.
func (g Grant) String() string {
	switch g.Kind {
	case Nothing:
		return "nothing"
	case Network:
		return "the network"
	case Path:
		if g.Write {
			return "read and write " + g.Name
		}
		return "read " + g.Name
	case Privilege:
		return "the privilege " + g.Name
	case Tool:
		return "run " + g.Name
	case Environment:
		if strings.HasSuffix(g.Name, "*") {
			return "the variables " + g.Name
		}
		return "the variable " + g.Name
	}
	if g.Name == Confined {
		return "confined by Landlock"
	}
	return "unconfined: needs mount"
}

// Of lists what a plugin may touch, in the order of Kinds, each kind in the
// order of the manifest.
func Of(m *manifest.Manifest) []Grant {
	if m.Kind != manifest.Backend {
		return []Grant{{Kind: Nothing}}
	}
	p := permissions(m)
	var list []Grant
	if p.Network {
		list = append(list, Grant{Kind: Network})
	}
	for _, path := range p.Paths {
		name, write := strings.CutSuffix(path, ":rw")
		list = append(list, Grant{Kind: Path, Name: name, Write: write})
	}
	list = append(list, named(Privilege, p.Privileges)...)
	list = append(list, named(Tool, p.Tools)...)
	list = append(list, named(Environment, m.Environment)...)
	return append(list, confinement(p))
}

// named are grants of one kind.
func named(kind Kind, names []string) []Grant {
	list := make([]Grant, 0, len(names))
	for _, name := range names {
		list = append(list, Grant{Kind: kind, Name: name})
	}
	return list
}

// confinement is what holds a backend to its permissions. Landlock lets nobody
// mount, so who must is not held.
func confinement(p manifest.Permissions) Grant {
	if slices.Contains(p.Privileges, "mount") {
		return Grant{Kind: Confinement, Name: Unconfined}
	}
	return Grant{Kind: Confinement, Name: Confined}
}

func permissions(m *manifest.Manifest) manifest.Permissions {
	return *cmp.Or(m.Permissions, &manifest.Permissions{})
}
