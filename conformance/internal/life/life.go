// SPDX-License-Identifier: Apache-2.0

// Package life holds the cases about the life of a backend: handshake, versions, cancel, death, limits, leaks, secrets.
package life

import (
	"github.com/zlayer/zlayer/conformance/internal/target"
	"github.com/zlayer/zlayer/conformance/suite"
)

// Cases returns the cases for a plugin and a function that ends what they
// share.
func Cases(t *target.Target) (cases []suite.Case, done func(), err error) {
	return nil, func() {}, nil
}
