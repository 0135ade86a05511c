// SPDX-License-Identifier: Apache-2.0

// Empty is the least that a frontend in Go can be: no codec at all.
package main

import "github.com/zlayer/zlayer/conformance/bench/codec/answer"

func main() {
	answer.Request()
	answer.Send()
}
