// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

func TestRoundTrip(t *testing.T) {
	var pipe bytes.Buffer
	w, r := NewWriter(&pipe), NewReader(&pipe)
	sent := []*backendv1.Output{{}, {Data: bytes.Repeat([]byte("x"), 1<<20), Stderr: true}, {Ref: &backendv1.StepRef{Stage: 1}}}
	for _, m := range sent {
		if err := w.Send(m); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range sent {
		var got backendv1.Output
		if err := r.Receive(&got); err != nil || !got.EqualVT(want) {
			t.Errorf("received %v, %v", &got, err)
		}
	}
	if err := r.Receive(&backendv1.Output{}); !errors.Is(err, io.EOF) {
		t.Errorf("error at the end is %v", err)
	}
}

func TestDamaged(t *testing.T) {
	for text, want := range map[string]string{
		"\x05ab":                   "unexpected EOF",
		"\xff\xff\xff\xff\x7f":     "larger than the limit",
		"\x02\xff\xff":             "decoding",
		strings.Repeat("\xff", 20): "overflow",
	} {
		err := NewReader(strings.NewReader(text)).Receive(&backendv1.Output{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error is %v, want %q", text, err, want)
		}
	}
}

func FuzzReceive(f *testing.F) {
	var pipe bytes.Buffer
	NewWriter(&pipe).Send(&backendv1.BuildEvent{Event: &backendv1.BuildEvent_Ask{Ask: &backendv1.Ask{Id: 1, Secret: "x"}}})
	f.Add(pipe.Bytes())
	f.Add([]byte("\xff\xff\xff\x7fJ"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r := NewReader(bytes.NewReader(text))
		for r.Receive(&backendv1.BuildEvent{}) == nil {
		}
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20+1000*uint64(len(text)) {
			t.Errorf("%d bytes took %d bytes of memory", len(text), took)
		}
	})
}
