// SPDX-License-Identifier: Apache-2.0

package module_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/sdk/toolchain/module"
)

// Pieces of binaries, written out by hand from the WebAssembly specification.
const (
	head      = "\x00asm\x01\x00\x00\x00"
	component = "\x00asm\x0d\x00\x01\x00"
	custom    = "\x00\x05\x04name" // a section of no interest
	// function f of wasi_snapshot_preview1, table t and memory m of env, global g of a
	imports = "\x02\x38\x04" +
		"\x16wasi_snapshot_preview1\x01f\x00\x00" +
		"\x03env\x01t\x01\x70\x00\x01" +
		"\x03env\x01m\x02\x01\x01\x80\x02" +
		"\x01a\x01g\x03\x7f\x00"
	exports = "\x07\x13\x02\x06memory\x02\x00\x06_start\x00\x01"
)

func TestRead(t *testing.T) {
	m, err := module.Read(strings.NewReader(head + custom + imports + exports))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"a", "env", module.Preview1}; !slices.Equal(m.Imports, want) {
		t.Errorf("imports %q, want %q", m.Imports, want)
	}
	if want := []string{"a", "env"}; !slices.Equal(m.Foreign(), want) {
		t.Errorf("foreign imports %q, want %q", m.Foreign(), want)
	}
	if want := []string{"memory", "_start"}; !slices.Equal(m.Exports, want) || !m.IsCommand() {
		t.Errorf("exports %q, want %q; command: %v", m.Exports, want, m.IsCommand())
	}
	if m, err := module.Read(strings.NewReader(head)); err != nil || m.IsCommand() || m.Foreign() != nil {
		t.Errorf("an empty module: %v, %v", m, err)
	}
}

func TestReadOfWhatIsNone(t *testing.T) {
	for name, test := range map[string]struct{ text, says string }{
		"nothing":        {"", "not WebAssembly"},
		"a script":       {"#!/bin/sh\n", "not WebAssembly"},
		"only a magic":   {"\x00asm", "not WebAssembly"},
		"another format": {"\x00asm\x02\x00\x00\x00", "unknown version 0x2"},
		"no size":        {head + "\x07", "ends too early"},
		"cut off":        {head + exports[:9], "ends too early"},
		"cut off custom": {head + custom[:4], "section 0 ends after 2 of 5 bytes"},
		"huge":           {head + "\x07\xff\xff\xff\xff\x0f", "section 7 has 4294967295 bytes"},
		"long name":      {head + "\x07\x03\x01\x06m", "section 7 is damaged"},
		"a wrong kind":   {head + "\x02\x06\x01\x01a\x01b\x09", "section 2 is damaged"},
		"too few":        {head + "\x07\x01\x02", "section 7 is damaged"},
	} {
		if m, err := module.Read(strings.NewReader(test.text)); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, %v; want %q", name, m, err, test.says)
		}
	}
	if _, err := module.Read(strings.NewReader(component)); !errors.Is(err, module.ErrComponent) {
		t.Errorf("a component: %v", err)
	}
}

func TestOpen(t *testing.T) {
	file := filepath.Join(t.TempDir(), "m.wasm")
	if _, err := module.Open(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if err := os.WriteFile(file, []byte(component), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := module.Open(file); !errors.Is(err, module.ErrComponent) || !strings.Contains(err.Error(), file) {
		t.Errorf("a component: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(head + custom + imports + exports)
	f.Add(component)
	f.Add(head + "\x07\xff\xff\xff\xff\x0f")
	f.Fuzz(func(_ *testing.T, text string) { _, _ = module.Read(strings.NewReader(text)) })
}
