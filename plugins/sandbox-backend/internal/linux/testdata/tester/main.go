// SPDX-License-Identifier: Apache-2.0

// Command tester tries from inside a sandbox what the programs of busybox
// cannot try. It prints how each try ended.
package main

func main() {}
