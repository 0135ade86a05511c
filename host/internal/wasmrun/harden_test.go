// SPDX-License-Identifier: Apache-2.0

package wasmrun

import (
	"bytes"
	"runtime"
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

// What announces more than it has would take the memory of the host: each of
// these asks for gigabytes.
func TestHardenBelievesNoNumber(t *testing.T) {
	const header = "\x00asm\x01\x00\x00\x00"
	huge := string(uleb(1<<32 - 1))
	zero := "\x41\x00\x0b" // i32.const 0, end
	sections := map[string][]byte{
		"types":       section(typeID, []byte(huge)),
		"parameters":  section(typeID, []byte("\x01\x60"+huge)),
		"results":     section(typeID, []byte("\x01\x60\x00"+huge)),
		"imports":     section(importID, []byte(huge)),
		"an import":   section(importID, []byte("\x01"+huge)),
		"functions":   section(functionID, []byte(huge)),
		"tables":      section(tableID, []byte(huge)),
		"globals":     section(globalID, []byte(huge)),
		"exports":     section(exportID, []byte(huge)),
		"an export":   section(exportID, []byte("\x01"+huge)),
		"elements":    section(elementID, []byte(huge)),
		"an element":  section(elementID, []byte("\x01\x00"+zero+huge)),
		"expressions": section(elementID, []byte("\x01\x04"+zero+huge)),
		"code":        section(codeID, []byte(huge)),
		"locals":      section(codeID, vector(sized([]byte("\x01"+huge+"\x7f\x0b")))),
		"data":        section(dataID, []byte(huge)),
		"a datum":     section(dataID, []byte("\x01\x00"+zero+huge)),
	}
	for name, s := range sections {
		if _, err := harden(append([]byte(header), s...)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	names := section(customID, append(name("name"), append([]byte{1}, sized([]byte(huge))...)...))
	if hard, err := harden(append([]byte(header), names...)); err != nil || string(hard) != header {
		t.Errorf("names: %q, %v", hard, err)
	}
}

// FuzzHarden: the engine takes a bounded memory to read what is left, and takes
// it if it took it before.
func FuzzHarden(f *testing.F) {
	g := answering()
	f.Add(g.bytes())
	g.tables = []byte{2, 0x70, 0, 3, 0x6f, 1, 4, 9}
	f.Add(g.bytes())
	f.Add([]byte("\x00asm\x01\x00\x00\x00\x0a\x05\x01\x03\x01\x01\x7f"))
	f.Add([]byte("\x00asm\x01\x00\x00\x00\x01\x14\x03\x60\x00\x00\x60\x04\x7f\x7f\x7fi\xc0\xc0\xc0\xc0\x01A\x08\x10\x01\x7f\x02D"))
	f.Fuzz(func(t *testing.T, module []byte) {
		ctx := t.Context()
		hard, err := harden(module)
		if err != nil {
			return
		}
		r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
		defer r.Close(ctx)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err = r.CompileModule(ctx, hard)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 64<<20+10_000*uint64(len(module)) {
			t.Errorf("a module of %d bytes takes %d bytes of memory", len(module), took)
		}
		// What was a module stays one, unless its tables shrank below its elements.
		if err == nil {
			return
		}
		if _, before := r.CompileModule(ctx, withoutCustom(module)); before == nil {
			t.Errorf("a good module became a bad one: %v", err)
		}
	})
}

// withoutCustom drops the sections that nobody reads.
func withoutCustom(module []byte) []byte {
	out := module[:headerSize:headerSize]
	for rest := module[headerSize:]; len(rest) > 0; {
		content, after, err := cut(rest[1:])
		if err != nil {
			return module
		}
		if rest[0] != customID {
			out = appendSized(append(out, rest[0]), content)
		}
		rest = after
	}
	return out
}
