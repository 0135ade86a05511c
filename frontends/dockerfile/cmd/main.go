// SPDX-License-Identifier: Apache-2.0

// The dockerfile frontend as a WASI command; see sdk/frontend.
package main

import (
	"github.com/zlayer/zlayer/frontends/dockerfile"
	"github.com/zlayer/zlayer/sdk/frontend"
)

func main() {
	frontend.Main(frontend.Func(dockerfile.Parse))
}
