// SPDX-License-Identifier: Apache-2.0

// Guest is a frontend that does what the build file says and reports it.
package main

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/zlayer/zlayer/sdk/frontend"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
)

func main() { frontend.Main(frontend.Func(parse)) }

func parse(r *frontendv1.ParseRequest) *frontendv1.ParseResponse {
	content := string(r.GetContent())
	report := ""
	switch command, argument, _ := strings.Cut(content, " "); command {
	case "environment":
		report = fmt.Sprint(len(os.Environ()), len(os.Args))
	case "clock":
		report = time.Now().UTC().String()
	case "random":
		b := make([]byte, 16)
		_, _ = rand.Read(b)
		report = hex.EncodeToString(b)
	case "read":
		_, err := os.ReadFile(argument)
		report = fmt.Sprint(err)
	case "write":
		report = fmt.Sprint(os.WriteFile(argument, nil, 0o600))
	case "sleep":
		time.Sleep(time.Hour)
	case "recurse":
		report = fmt.Sprint(recurse(1))
	case "allocate":
		report = fmt.Sprint(len(make([]byte, 4<<30)))
	case "hoard":
		var all [][]byte
		for {
			all = append(all, make([]byte, 1<<20))
		}
	case "panic":
		panic(argument)
	case "garbage":
		for range 200 {
			report = string(make([]byte, 1<<20))[:1]
		}
		runtime.GC()
	case "flood":
		report = strings.Repeat("x", 2<<20)
	}
	return &frontendv1.ParseResponse{Diagnostics: []*diagv1.Diagnostic{{Message: report}}}
}

// recurse needs its result after the call, so that it is no loop.
func recurse(n int) int { return n + recurse(n+1)%7 }
