// SPDX-License-Identifier: Apache-2.0

package buildctx_test

import (
	"fmt"
	"io/fs"
	"testing/fstest"

	"github.com/zlayer/zlayer/sdk/buildctx"
)

// Sources of COPY in a tree that is no Context.
func ExampleSource() {
	tree := fstest.MapFS{"src/a.go": {}, "src/b.md": {}, "src/sub/c.go": {}, "docs/d.go": {}}
	find := func(s *buildctx.Source, err error) {
		if err != nil {
			fmt.Println(err)
			return
		}
		base, err := fs.Sub(tree, s.Base)
		if err != nil {
			fmt.Println(err)
			return
		}
		err = fs.WalkDir(base, ".", func(name string, d fs.DirEntry, err error) error {
			if name == "." || err != nil {
				return err
			}
			hit, inside := s.Match(name)
			if hit {
				fmt.Println(s.Base, name)
			}
			if d.IsDir() && (hit || !inside) {
				return fs.SkipDir
			}
			return nil
		})
		if err != nil {
			fmt.Println(err)
		}
	}
	find(buildctx.ParseSource("src/*"))
	find(buildctx.ParseDeepSource("**/*.go"))
	find(buildctx.ParseSource("src/[a"))
	// Output:
	// src a.go
	// src b.md
	// src sub
	// . docs/d.go
	// . src/a.go
	// . src/sub/c.go
	// source "src/[a": the pattern is malformed: a [ without ], a range out of order, or a backslash at the end
}
