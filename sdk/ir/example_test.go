// SPDX-License-Identifier: Apache-2.0

package ir_test

import (
	"fmt"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

// A frontend made this build of "FROM debian" and "RUN make". Resolve first
// asks for the image, then says what a backend has to do.
func ExampleResolve() {
	build := &irv1.Build{
		Files: []string{"Dockerfile"},
		Kind: &irv1.Build_Container{Container: &irv1.Container{
			Escape: `\`,
			Stages: []*irv1.Stage{{
				Base: &irv1.Word{Text: "debian"},
				Steps: []*irv1.Step{{
					Text: "RUN make",
					Op: &irv1.Step_Run{Run: &irv1.Run{Command: &irv1.Command{
						Shell: true,
						Words: []*irv1.Word{{Text: "make"}},
					}}},
				}},
			}},
		}},
	}
	build.Features = ir.SourceFeatures(build)

	options := ir.Options{Images: map[ir.ImageKey]*ir.FetchedImage{}}
	for {
		res := ir.Resolve(build, options)
		if res.Build != nil {
			fmt.Println("backend needs", res.Build.Features)
			fmt.Printf("%q\n", res.Build.GetContainer().Stages[0].Steps[0].GetExec().Argv)
			return
		}
		for _, need := range res.Needs {
			fmt.Println("fetch", need.Key.Reference, "for", need.Key.Platform)
			options.Images[need.Key] = &ir.FetchedImage{Digest: "sha256:…"}
		}
	}
	// Output:
	// fetch docker.io/library/debian:latest for linux/amd64
	// backend needs [exec]
	// ["/bin/sh" "-c" "make"]
}
