// SPDX-License-Identifier: Apache-2.0

package ir_test

import (
	osexec "os/exec"
	"strings"
	"testing"
)

// TestDependencies keeps out what would weigh on a frontend's WebAssembly
// module merely by being imported: crypto alone brings 32 MiB of memory.
func TestDependencies(t *testing.T) {
	out, err := osexec.Command("go", "list", "-deps", ".", "./expand").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, dep := range strings.Fields(string(out)) {
		first, _, _ := strings.Cut(dep, "/")
		switch {
		case first == "crypto", first == "net", dep == "regexp", dep == "encoding/json", dep == "os/exec", dep == "context",
			strings.HasPrefix(dep, "google.golang.org/"), strings.HasPrefix(dep, "github.com/hashicorp/"):
			t.Errorf("package ir depends on %s", dep)
		}
	}
}
