// SPDX-License-Identifier: Apache-2.0

package main

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// Every fault has a line in the table, and every line is about a fault.
func TestTable(t *testing.T) {
	text, err := os.ReadFile("../backend.txt")
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) > 0 && words[0] != "#" {
			listed = append(listed, words[0])
		}
	}
	slices.Sort(listed)
	if there := slices.Sorted(maps.Keys(faults)); !slices.Equal(listed, there) {
		t.Errorf("backend.txt has %d faults, and there are %d:\n%q\n%q", len(listed), len(there), listed, there)
	}
}
