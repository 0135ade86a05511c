// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
)

// Codec returns the codec of the protocol: standard protobuf bytes, made by
// the generated code of this SDK's messages and, for the messages of gRPC and
// go-plugin themselves, by google.golang.org/protobuf.
func Codec() encoding.CodecV2 {
	return codec{fallback: encoding.GetCodecV2(proto.Name)}
}

// message is what the generated code of this SDK's messages offers.
type message interface {
	SizeVT() int
	MarshalToSizedBufferVT([]byte) (int, error)
	UnmarshalVT([]byte) error
}

type codec struct{ fallback encoding.CodecV2 }

var _ encoding.CodecV2 = codec{}

// Name says that the bytes are plain protobuf, so that a peer in any language
// understands.
func (c codec) Name() string { return proto.Name }

func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	m, ok := v.(message)
	if !ok {
		return c.fallback.Marshal(v)
	}
	b := make([]byte, m.SizeVT())
	if _, err := m.MarshalToSizedBufferVT(b); err != nil {
		return nil, err
	}
	return mem.BufferSlice{mem.SliceBuffer(b)}, nil
}

func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	m, ok := v.(message)
	if !ok {
		return c.fallback.Unmarshal(data, v)
	}
	b := data.MaterializeToBuffer(mem.DefaultBufferPool())
	defer b.Free()
	return m.UnmarshalVT(b.ReadOnlyData())
}
