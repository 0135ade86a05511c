// SPDX-License-Identifier: Apache-2.0

// Package contract holds the cases about what every plugin is judged by before it runs, and how it takes what is not valid.
package contract

import (
	"github.com/zlayer/zlayer/conformance/internal/target"
	"github.com/zlayer/zlayer/conformance/suite"
)

// Cases returns the cases for a plugin and a function that ends what they
// share.
func Cases(t *target.Target) (cases []suite.Case, done func(), err error) {
	return nil, func() {}, nil
}
