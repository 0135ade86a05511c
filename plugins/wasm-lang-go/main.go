// SPDX-License-Identifier: Apache-2.0

// Command wasm-lang-go is the backend that builds Go modules into WASI
// preview1 modules, with the go tool it finds on PATH. See README.md.
package main

import (
	"github.com/zlayer/zlayer/sdk/backend/serve"
	"github.com/zlayer/zlayer/sdk/toolchain"
)

func main() {
	toolchain.Guard()
	serve.Main(goBackend{})
}
