// SPDX-License-Identifier: Apache-2.0

package dockerfile

import (
	"strings"
	"testing"

	"github.com/zlayer/zlayer/conformance/vectors"
)

// The conformance suite's vectors about Dockerfiles say what BuildKit makes of
// them, not only what we do.
func TestOracleVectors(t *testing.T) {
	all, err := vectors.Frontends()
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range all {
		src := string(v.Content)
		linted := strings.Contains(src, "check=error") // the oracle here does not lint
		if !strings.HasPrefix(v.Name, "dockerfile-") || linted || differs(src) {
			continue
		}
		t.Run(v.Name, func(t *testing.T) { compareMeaning(t, src) })
	}
}
