// SPDX-License-Identifier: Apache-2.0

//go:build linux

package linux

import (
	"errors"
	"fmt"
	"sync"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/driver"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/rootfs"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// asker answers queries of the inner process.
type asker func(*query) (*answer, error)

func (a asker) answer(q *query) *answer {
	got, err := a(q)
	if err != nil {
		return &answer{Err: err.Error()}
	}
	return got
}

// about answers queries about chains.
func about(chains []driver.Chain) asker {
	return func(q *query) (*answer, error) {
		if q.Chain < 0 || q.Chain >= len(chains) {
			return nil, errors.New("no such tree")
		}
		a, chain := &answer{}, chains[q.Chain]
		if q.Digest == "" {
			return a, a.about(rootfs.Of(chain.Tree), q)
		}
		for _, l := range chain.Layers {
			if l.Digest == q.Digest {
				return &answer{Changes: l.Changes}, nil
			}
		}
		return nil, fmt.Errorf("no layer is %s", q.Digest)
	}
}

// hearing is an asker that is told of copies, too.
func (a asker) hearing(copied func(why string)) asker {
	return func(q *query) (*answer, error) {
		if q.Copied == "" {
			return a(q)
		}
		if copied != nil {
			copied(q.Copied)
		}
		return &answer{}, nil
	}
}

func (a *answer) about(b rootfs.Before, q *query) (err error) {
	switch {
	case q.All:
		return b.Walk(func(name string, n *tree.Node) error {
			a.Names = append(a.Names, name)
			a.Nodes = append(a.Nodes, found{true, *n})
			return nil
		})
	case q.List:
		a.Names, err = b.Names(q.Dir)
		return err
	}
	nodes, err := b.Nodes(q.Names)
	for _, n := range nodes {
		if n == nil {
			a.Nodes = append(a.Nodes, found{})
			continue
		}
		a.Nodes = append(a.Nodes, found{true, *n})
	}
	return err
}

// backend is the other side, as the inner process sees it.
type backend struct {
	codec
	// turn is held from a query to its answer.
	turn sync.Mutex
	// answers are what came in.
	answers chan *answer
}

func (b *backend) ask(q *query) (*answer, error) {
	b.turn.Lock()
	defer b.turn.Unlock()
	if err := b.Encode(report{Query: q}); err != nil {
		return nil, err
	}
	a := <-b.answers
	if a.Err != "" {
		return nil, errors.New(a.Err)
	}
	return a, nil
}

// remote is the tree of a chain, which the backend has.
type remote struct {
	*backend
	chain int
}

var _ rootfs.Before = remote{}

// Nodes implements rootfs.Before.
func (r remote) Nodes(names []string) ([]*tree.Node, error) {
	a, err := r.ask(&query{Chain: r.chain, Names: names})
	if err != nil {
		return nil, err
	}
	out := make([]*tree.Node, len(a.Nodes))
	for i := range a.Nodes {
		if a.Nodes[i].There {
			out[i] = &a.Nodes[i].Node
		}
	}
	return out, nil
}

// Names implements rootfs.Before.
func (r remote) Names(dir string) ([]string, error) {
	a, err := r.ask(&query{Chain: r.chain, List: true, Dir: dir})
	if err != nil {
		return nil, err
	}
	return a.Names, nil
}

// copied tells why the tree is a copy.
func (r remote) copied(why string) error {
	_, err := r.ask(&query{Chain: r.chain, Copied: why})
	return err
}

// changes returns the changes of a layer.
func (r remote) changes(digest string) ([]tree.Change, error) {
	a, err := r.ask(&query{Chain: r.chain, Digest: digest})
	if err != nil {
		return nil, err
	}
	return a.Changes, nil
}

// keep says whether a layer is wanted; what cannot be asked about is.
func (b *backend) keep(digest string) bool {
	a, err := b.ask(&query{Digest: digest})
	return err != nil || a.Keep
}

// Walk implements rootfs.Before.
func (r remote) Walk(fn func(name string, n *tree.Node) error) error {
	a, err := r.ask(&query{Chain: r.chain, All: true})
	if err != nil {
		return err
	}
	for i, name := range a.Names {
		if err := fn(name, &a.Nodes[i].Node); err != nil {
			return err
		}
	}
	return nil
}
