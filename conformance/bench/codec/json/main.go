// SPDX-License-Identifier: Apache-2.0

// Json uses encoding/json and plain structs.
package main

import (
	"encoding/json"
	"os"

	"github.com/zlayer/zlayer/conformance/bench/codec/answer"
)

// token is one element of the response.
type token struct {
	Kind         int    `json:"kind"`
	Line, Column uint32 `json:",omitempty"`
}

func main() {
	request, err := json.Marshal(struct{ Content []byte }{answer.Request()})
	if err != nil {
		os.Exit(1)
	}
	var parsed struct{ Content []byte }
	if err := json.Unmarshal(request, &parsed); err != nil {
		os.Exit(1)
	}
	var tokens []token
	for i := range uint32(100) {
		tokens = append(tokens, token{1, i, i})
	}
	if data, err := json.Marshal(tokens); err != nil || len(data) == 0 {
		os.Exit(1)
	}
	answer.Send()
}
