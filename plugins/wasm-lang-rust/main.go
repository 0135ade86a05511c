// SPDX-License-Identifier: Apache-2.0

// Command wasm-lang-rust is the backend that builds cargo packages into WASI
// preview1 modules, with the cargo and rustc of the machine. See README.md.
package main

import (
	"github.com/zlayer/zlayer/sdk/backend/serve"
	"github.com/zlayer/zlayer/sdk/toolchain"
)

func main() {
	toolchain.Guard()
	wrapRustc()
	serve.Main(rustBackend{})
}
