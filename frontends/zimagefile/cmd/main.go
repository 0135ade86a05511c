// SPDX-License-Identifier: Apache-2.0

// The zimagefile frontend as a WASI command; see sdk/frontend.
package main

import (
	"github.com/zlayer/zlayer/frontends/zimagefile"
	"github.com/zlayer/zlayer/sdk/frontend"
)

func main() {
	frontend.Main(frontend.Func(zimagefile.Parse))
}
