// SPDX-License-Identifier: Apache-2.0

// Package container holds the cases about container backends: builds, through
// the host, and the images they give.
package container

import (
	"fmt"
	"os"

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

// read returns the vectors of this project and of the author.
func read(t *target.Target) ([]*vectors.Container, error) {
	all, err := vectors.Containers()
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for _, v := range all {
		names[v.Name] = true
	}
	for _, dir := range t.Vectors {
		more, err := vectors.ReadContainers(os.DirFS(dir))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", dir, err)
		}
		for _, v := range more {
			if names[v.Name] {
				return nil, fmt.Errorf("%s: there is another container vector %s: rename this one", dir, v.Name)
			}
			names[v.Name] = true
		}
		all = append(all, more...)
	}
	return all, nil
}
