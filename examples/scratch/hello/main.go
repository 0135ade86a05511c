// SPDX-License-Identifier: Apache-2.0

// Command hello is the only thing in the images of examples/scratch and
// examples/zimagefile.
package main

import (
	"fmt"
	"os"
)

const greeting = "hello from an image made of nothing\n"

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "hello:", err)
		os.Exit(1)
	}
}

// run does "write FILE", which leaves a greeting, or "read FILE", which shows it.
func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: hello write|read FILE")
	}
	switch verb, file := args[0], args[1]; verb {
	case "write":
		return os.WriteFile(file, []byte(greeting), 0o644)
	case "read":
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		_, err = os.Stdout.Write(text)
		return err
	default:
		return fmt.Errorf("%q is neither write nor read", verb)
	}
}
