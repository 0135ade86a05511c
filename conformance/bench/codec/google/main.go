// SPDX-License-Identifier: Apache-2.0

// Google uses google.golang.org/protobuf, with its ready-made Struct for a
// message.
package main

import (
	"os"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/zlayer/zlayer/conformance/bench/codec/answer"
)

func main() {
	request, err := proto.Marshal(structpb.NewStringValue(string(answer.Request())))
	if err != nil {
		os.Exit(1)
	}
	if err := proto.Unmarshal(request, &structpb.Value{}); err != nil {
		os.Exit(1)
	}
	tokens := &structpb.ListValue{}
	for i := range 100 {
		tokens.Values = append(tokens.Values, structpb.NewNumberValue(float64(i)), structpb.NewNumberValue(float64(i)))
	}
	if data, err := proto.Marshal(tokens); err != nil || len(data) == 0 {
		os.Exit(1)
	}
	answer.Send()
}
