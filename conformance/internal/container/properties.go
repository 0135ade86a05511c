// SPDX-License-Identifier: Apache-2.0

package container

import "github.com/zlayer/zlayer/conformance/suite"

// properties are the cases about more than one build.
func (s *section) properties() []suite.Case { return nil }
