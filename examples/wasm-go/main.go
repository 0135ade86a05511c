// SPDX-License-Identifier: Apache-2.0

// Command greet greets everybody it is told about.
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Println("hello, whoever you are")
		return
	}
	for _, name := range os.Args[1:] {
		fmt.Printf("hello, %s\n", name)
	}
}
