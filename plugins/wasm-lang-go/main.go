// SPDX-License-Identifier: Apache-2.0

// Command wasm-lang-go is the backend that builds Go modules into WASI
// preview1 modules, with the go tool it finds on PATH. See README.md.
package main

import (
	"github.com/zlayer/zlayer/plugins/wasm-lang-go/internal/tool"
	"github.com/zlayer/zlayer/sdk/backend/serve"
)

func main() {
	tool.Guard()
	serve.Main(goBackend{})
}
