// SPDX-License-Identifier: Apache-2.0

// Lite uses the generated types of the SDK.
package main

import (
	"os"

	"github.com/zlayer/zlayer/conformance/bench/codec/answer"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
)

func main() {
	var request frontendv1.Request
	if err := request.UnmarshalVT(answer.Request()); err != nil {
		os.Exit(1)
	}
	response := frontendv1.ParseResponse{}
	for i := range uint32(100) {
		response.Tokens = append(response.Tokens, &frontendv1.Token{Kind: 1, Range: &diagv1.Range{Line: i, Column: i}})
	}
	if data, err := response.MarshalVT(); err != nil || len(data) == 0 {
		os.Exit(1)
	}
	answer.Send()
}
