// SPDX-License-Identifier: Apache-2.0

// Package container holds the cases about container backends: builds, through
// the host, and the images they give.
package container

import (
	"fmt"
	"os"
	"slices"

	"github.com/zlayer/zlayer/conformance/internal/target"
	"github.com/zlayer/zlayer/conformance/suite"
	"github.com/zlayer/zlayer/conformance/vectors"
)

// prefix is what the names of all cases begin with.
const prefix = "container/"

// Cases returns the cases for a plugin and a function that ends what they
// share. Nothing is written or started before a case runs.
func Cases(t *target.Target) (cases []suite.Case, done func(), err error) {
	all, err := read(t)
	if err != nil {
		return nil, func() {}, err
	}
	s := newSection(t)
	for _, v := range all {
		cases = append(cases, s.vector(v))
	}
	return append(cases, s.properties()...), s.close, nil
}

// read returns the vectors of this project and of the author, each after those
// that it comes after.
func read(t *target.Target) ([]*vectors.Container, error) {
	all, err := vectors.Containers()
	if err != nil {
		return nil, err
	}
	for _, dir := range t.Vectors {
		more, err := vectors.ReadContainers(os.DirFS(dir))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", dir, err)
		}
		all = append(all, more...)
	}
	return ordered(all)
}

// ordered sorts vectors so that each comes after those that it builds on, and
// otherwise leaves them as they are.
func ordered(all []*vectors.Container) ([]*vectors.Container, error) {
	var list []*vectors.Container
	done := map[string]bool{}
	for len(list) < len(all) {
		before := len(list)
		for _, v := range all {
			if !done[v.Name] && !slices.ContainsFunc(v.After, func(name string) bool { return !done[name] }) {
				list, done[v.Name] = append(list, v), true
			}
		}
		if len(list) == before {
			return nil, unordered(all, done)
		}
	}
	return list, nil
}

// unordered explains vectors that have no order.
func unordered(all []*vectors.Container, done map[string]bool) error {
	for _, v := range all {
		if done[v.Name] && slices.ContainsFunc(all, func(w *vectors.Container) bool { return w != v && w.Name == v.Name }) {
			return fmt.Errorf("two container vectors are called %s", v.Name)
		}
	}
	i := slices.IndexFunc(all, func(v *vectors.Container) bool { return !done[v.Name] })
	return fmt.Errorf("container vector %s comes after one that is not there, or after itself: %v", all[i].Name, all[i].After)
}
