// SPDX-License-Identifier: Apache-2.0

package vectors_test

import (
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"
)

// Vectors of every kind have the form that README.md says: a name in kebab-case,
// what is looked at, the sentences of SPEC.md that they are about, and what to expect.
func TestForm(t *testing.T) {
	files, err := fs.Glob(os.DirFS("."), "*/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		comment, _, _ := strings.Cut(string(data), "\n-- ")
		about, headers, _ := strings.Cut(comment, "\n")
		if !kebab.MatchString(strings.TrimSuffix(path.Base(name), ".txtar")) {
			t.Errorf("%s: the name is not in kebab-case", name)
		}
		if strings.TrimSpace(about) == "" {
			t.Errorf("%s: the first line says nothing", name)
		}
		for _, key := range []string{"\nspec: ", "\nexpect: "} {
			if strings.Count("\n"+headers, key) != 1 {
				t.Errorf("%s: the header %s must be there once", name, strings.TrimSpace(key))
			}
		}
	}
}
