// SPDX-License-Identifier: Apache-2.0

package suite_test

import (
	"testing"

	"github.com/zlayer/zlayer/conformance/suite"
)

// FuzzParseKnown: a list that can be read stays as it is while nothing has run.
func FuzzParseKnown(f *testing.F) {
	for _, seed := range []string{"", "# why\nlife/leak-*  # a mount is left\n", "a/b", "[", "a b # c", "\r\n#"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		known, err := suite.ParseKnown(text)
		if err != nil {
			return
		}
		if stale := known.Stale(false); len(stale) > 0 {
			t.Errorf("%q is stale before anything ran: %q", text, stale)
		}
	})
}
