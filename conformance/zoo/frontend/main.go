// SPDX-License-Identifier: Apache-2.0

// Frontend is a frontend that is wrong in one way. It is run as an engine, as
// "frontend FAULT CACHE {module}": it passes everything on to the good module,
// and what comes back to the host; on the way it breaks one thing, the one that
// FAULT names. The table in ../frontend.txt says by which case the suite has to
// find it.
package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/zlayer/zlayer/conformance/internal/engine"
)

func main() {
	code, err := run(os.Args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "zoo:", err)
	}
	os.Exit(code)
}

func run(args []string) (code int, err error) {
	if len(args) < 4 {
		return 2, fmt.Errorf("usage: frontend FAULT CACHE MODULE")
	}
	f, ok := faults()[args[1]]
	if !ok {
		return 2, fmt.Errorf("there is no fault %q", args[1])
	}
	if f.noArguments && len(args) > 4 {
		return 2, fmt.Errorf("unknown argument %q", args[4])
	}
	e, err := engine.Open(nil, args[2])
	if err != nil {
		return 2, err
	}
	defer e.Close()
	good, err := e.Start(context.Background(), args[3], slices.Concat([]string{"frontend"}, args[4:])...)
	if err != nil {
		return 2, err
	}
	time.Sleep(f.startsAfter)
	return newProxy(f, good).run()
}
