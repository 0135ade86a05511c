// SPDX-License-Identifier: Apache-2.0

package vectors_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/zlayer/zlayer/conformance/vectors"
)

// parsers read a vector of each kind.
var parsers = []func(name string, data []byte) error{
	parser(vectors.ParseContainer), parser(vectors.ParseDiagnostics), parser(vectors.ParseFrontend), parser(vectors.ParseHost),
	parser(vectors.ParseIR), parser(vectors.ParseLife), parser(vectors.ParseManifest), parser(vectors.ParseWasm),
}

func parser[V any](parse func(string, []byte) (V, error)) func(string, []byte) error {
	return func(name string, data []byte) error {
		_, err := parse(name, data)
		return err
	}
}

// FuzzParse reads vectors of authors, who make mistakes.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("*/*.txtar")
	if err != nil || len(files) == 0 {
		f.Fatalf("no vectors: %v", err)
	}
	for i, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		if i%10 == 0 {
			f.Add(data)
		}
	}
	f.Fuzz(func(_ *testing.T, data []byte) {
		for _, parse := range parsers {
			_ = parse("fuzz", data) // an error is fine, a panic is not
		}
	})
}
