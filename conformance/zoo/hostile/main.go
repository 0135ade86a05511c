// SPDX-License-Identifier: Apache-2.0

// Hostile is a frontend that does what its build file says, whatever a host
// makes of it. The build files are in conformance/vectors/host, whose README
// lists what it can do.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/zlayer/zlayer/sdk/frontend"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
)

func main() {
	in := bufio.NewReader(os.Stdin)
	for before := 0; ; before++ {
		frame, err := frontend.ReadFrame(in, frontend.MaxRequest)
		if errors.Is(err, io.EOF) {
			return
		}
		var r frontendv1.Request
		if err == nil {
			err = r.UnmarshalVT(frame)
		}
		if err == nil {
			err = (&call{id: r.GetId(), request: r.GetParse(), before: before}).run()
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "hostile:", err)
			os.Exit(100)
		}
	}
}
