// SPDX-License-Identifier: Apache-2.0

package parity

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

// answer is what came of a request on one engine.
type answer struct {
	frame []byte
	err   error
}

// text says for people what an answer says.
func (a answer) text() string {
	if a.err != nil {
		return a.err.Error() + "\n"
	}
	var response frontendv1.Response
	if err := response.UnmarshalVT(a.frame); err != nil {
		return err.Error() + "\n"
	}
	if f := response.GetFailure(); f != nil {
		return fmt.Sprintf("%d: %v %s\n", response.GetId(), f.GetCode(), f.GetMessage())
	}
	res := response.GetParse()
	var b strings.Builder
	b.WriteString(ir.TextWithRanges(res.GetBuild()))
	for _, d := range res.GetDiagnostics() {
		b.WriteString(diag.Line("file", d) + "\n")
	}
	fmt.Fprintf(&b, "id %d, features %q, %d needs, %d symbols, %d tokens; %d bytes, sha256 %x\n", response.GetId(), res.GetBuild().GetFeatures(),
		len(res.GetNeeds()), len(res.GetSymbols()), len(res.GetTokens()), len(a.frame), sha256.Sum256(a.frame))
	return b.String()
}
