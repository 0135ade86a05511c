// SPDX-License-Identifier: Apache-2.0

// A frontend: it turns Layerfiles, which Layerfile.md describes, into Build IR.
package main

import "github.com/zlayer/zlayer/sdk/frontend"

func main() { frontend.Main(frontend.Func(Parse)) }
