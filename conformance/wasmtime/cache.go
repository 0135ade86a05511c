// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"

	"github.com/bytecodealliance/wasmtime-go/v39"
)

// load translates a module, or takes what was translated before from the
// folder; without a folder nothing is kept.
//
// What is in the folder is run without being looked at, so it must be the
// user's own, as the folder of a program.
func load(engine *wasmtime.Engine, path, folder string) (*wasmtime.Module, error) {
	code, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if folder == "" {
		return wasmtime.NewModule(engine, code)
	}
	kept := filepath.Join(folder, fmt.Sprintf("wasmtime-%x", sha256.Sum256(code)))
	if _, err := os.Stat(kept); err == nil {
		// That of another version of wasmtime, or for another machine, is an
		// error, and replaced.
		if module, err := wasmtime.NewModuleDeserializeFile(engine, kept); err == nil {
			return module, nil
		}
	}
	module, err := wasmtime.NewModule(engine, code)
	if err != nil {
		return nil, err
	}
	return module, keep(module, kept)
}

// keep writes a translated module so that others see all of it or nothing.
func keep(module *wasmtime.Module, path string) error {
	data, err := module.Serialize()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".new-")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // gone already when all went well
	if _, err := file.Write(data); err != nil {
		_ = file.Close()
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
