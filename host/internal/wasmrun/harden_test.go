// SPDX-License-Identifier: Apache-2.0

package wasmrun

import (
	"bytes"
	"testing"

	"github.com/tetratelabs/wazero"
)

func TestHardenedModulesStayTheSameOtherwise(t *testing.T) {
	g := answering()
	g.tables = []byte{2, 0x70, 0, 3, 0x70, 1, 4, 9}
	module := g.bytes()
	hard, err := harden(module)
	if err != nil {
		t.Fatal(err)
	}
	// One maximum of one byte, and one loop.
	if want := len(module) + 1 + len(emptyLoop); len(hard) != want {
		t.Errorf("%d bytes became %d, want %d", len(module), len(hard), want)
	}
	r := wazero.NewRuntimeWithConfig(t.Context(), wazero.NewRuntimeConfigInterpreter())
	defer r.Close(t.Context())
	if _, err := r.CompileModule(t.Context(), hard); err != nil {
		t.Errorf("the engine refuses the hardened module: %v", err)
	}
	if again, err := harden(module); err != nil || !bytes.Equal(again, hard) {
		t.Error("hardening is not deterministic")
	}
}

func FuzzHarden(f *testing.F) {
	g := answering()
	f.Add(g.bytes())
	g.tables = []byte{2, 0x70, 0, 3, 0x6f, 1, 4, 9}
	f.Add(g.bytes())
	f.Add([]byte("\x00asm\x01\x00\x00\x00\x0a\x05\x01\x03\x01\x01\x7f"))
	f.Fuzz(func(t *testing.T, module []byte) {
		ctx := t.Context()
		hard, err := harden(module)
		if err != nil {
			return
		}
		r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
		defer r.Close(ctx)
		// What was a module stays one, unless its tables shrank below its elements.
		if _, err := r.CompileModule(ctx, module); err != nil {
			return
		}
		if _, err := r.CompileModule(ctx, hard); err != nil {
			t.Errorf("a good module became a bad one: %v", err)
		}
	})
}
