// SPDX-License-Identifier: Apache-2.0

// Guest does what its first argument says. It is for the tests of the engines.
package main

import (
	"bufio"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Printf("arguments %q, environment %q\n", os.Args, os.Environ())
		return
	}
	switch os.Args[1] {
	case "echo":
		echo()
	case "loop":
		fmt.Println("ready")
		for n := 0; ; n++ {
			os.Args[1] = string(rune('a' + n%26))
		}
	case "write":
		for {
			fmt.Println(strings.Repeat("x", 4096))
		}
	case "world":
		world()
	case "memory":
		eaten := make([]byte, 1<<30)
		fmt.Println(len(eaten))
	case "crash":
		fmt.Fprintln(os.Stderr, strings.Repeat("noise ", 10_000)+"the end")
		var nowhere *int
		*nowhere = 1
	case "exit":
		os.Exit(3)
	}
}

// echo answers each line in capitals until there are no more.
func echo() {
	in := bufio.NewReader(os.Stdin)
	for {
		line, err := in.ReadString('\n')
		fmt.Print(strings.ToUpper(line))
		if err == io.EOF {
			return
		}
	}
}

// world says what the module sees of it.
func world() {
	random := make([]byte, 8)
	_, _ = rand.Read(random)
	_, err := os.ReadDir("/")
	fmt.Printf("%v %x %v\n", time.Now().Unix(), random, err != nil)
}
