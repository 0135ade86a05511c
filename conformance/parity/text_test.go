// SPDX-License-Identifier: Apache-2.0

package parity

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/frontend"
	"github.com/zlayer/zlayer/sdk/ir"
)

// answer is what came of a request on one engine.
type answer struct {
	frame []byte
	err   error
}

// text says for people what an answer says.
func (a answer) text(id uint64) string {
	if a.err != nil {
		return a.err.Error() + "\n"
	}
	res, err := frontend.DecodeParse(a.frame, id)
	if err != nil {
		return err.Error() + "\n"
	}
	var b strings.Builder
	b.WriteString(ir.TextWithRanges(res.GetBuild()))
	for _, d := range res.GetDiagnostics() {
		b.WriteString(diag.Line("file", d) + "\n")
	}
	fmt.Fprintf(&b, "features %q, %d needs, %d symbols, %d tokens; %d bytes, sha256 %x\n", res.GetBuild().GetFeatures(),
		len(res.GetNeeds()), len(res.GetSymbols()), len(res.GetTokens()), len(a.frame), sha256.Sum256(a.frame))
	return b.String()
}
