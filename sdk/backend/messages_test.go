// SPDX-License-Identifier: Apache-2.0

package backend_test

import (
	"bytes"
	"runtime"
	"testing"

	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// message is what goes over the wire between host and backend.
type message interface {
	MarshalVT() ([]byte, error)
	UnmarshalVT([]byte) error
}

// messages makes one of each kind that is read from the other side.
var messages = []func() message{
	func() message { return &backendv1.DescribeRequest{} },
	func() message { return &backendv1.DescribeResponse{} },
	func() message { return &backendv1.BuildRequest{} },
	func() message { return &backendv1.BuildEvent{} },
	func() message { return &backendv1.HasRequest{} },
	func() message { return &backendv1.HasResponse{} },
	func() message { return &backendv1.ExportRequest{} },
	func() message { return &backendv1.ExportResponse{} },
	func() message { return &backendv1.RemoveRequest{} },
	func() message { return &backendv1.RemoveResponse{} },
	func() message { return &backendv1.RecoverRequest{} },
	func() message { return &backendv1.RecoverResponse{} },
}

// FuzzMessages decodes bytes as each message: it takes memory in proportion to
// them, and what is accepted comes back the same.
func FuzzMessages(f *testing.F) {
	for _, m := range []message{
		&backendv1.BuildRequest{Message: &backendv1.BuildRequest_Start{Start: &backendv1.Start{
			Build:    &irv1.ResolvedBuild{Features: []string{"copy"}},
			Contexts: []*backendv1.Context{{Path: "/c"}},
		}}},
		&backendv1.BuildEvent{Event: &backendv1.BuildEvent_Output{Output: &backendv1.Output{Data: []byte("x")}}},
		&backendv1.DescribeResponse{Platforms: []*backendv1.PlatformSupport{{Platform: &irv1.Platform{Os: "linux"}}}},
	} {
		data, err := m.MarshalVT()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, empty := range messages {
			decode(t, data, empty)
		}
	})
}

func decode(t *testing.T, data []byte, empty func() message) {
	t.Helper()
	m := empty()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := m.UnmarshalVT(data)
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20+1000*uint64(len(data)) {
		t.Errorf("%T: %d bytes took %d bytes of memory", m, len(data), took)
	}
	if err != nil {
		return
	}
	first, err := m.MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	again := empty()
	if err := again.UnmarshalVT(first); err != nil {
		t.Fatalf("%T does not read what it wrote: %v", m, err)
	}
	if second, err := again.MarshalVT(); err != nil || !bytes.Equal(first, second) {
		t.Fatalf("%T is written as %x, and then as %x (%v)", m, first, second, err)
	}
}
