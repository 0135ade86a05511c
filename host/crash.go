// SPDX-License-Identifier: Apache-2.0

package host

import (
	"path/filepath"
	"regexp"

	"github.com/zlayer/zlayer/host/internal/atomicfile"
)

// goCrash matches the end of a Go program, or one that was caught and printed:
// the reason and the beginning of the stacks.
var goCrash = regexp.MustCompile(`(?m)^(?:[^\n]*panic: ([^\n]*)\n(?:\[[^\n]*\n)*\n?)?goroutine \d+ [^\n]*\[[^\n]*\]:\n`)

// Crash splits what a plugin wrote into the words for its user and, when it
// crashed, the path of a file with all of it, stacks too, for its author. The
// last crash of each plugin is kept. The path is empty when there is no stack,
// or the file cannot be written.
func (h *Host) Crash(e *PluginError) (words, path string) {
	at := goCrash.FindStringSubmatchIndex(e.Stderr)
	if at == nil {
		return e.Stderr, ""
	}
	words = e.Stderr[:at[0]]
	if at[2] >= 0 {
		words += "it crashed: " + e.Stderr[at[2]:at[3]] + "\n"
	}
	dir, err := h.makeDir("crashes", filepath.FromSlash(e.ID))
	if err != nil {
		return words, ""
	}
	path = filepath.Join(dir, "stderr.txt")
	if atomicfile.Write(path, []byte(e.Stderr)) != nil {
		return words, ""
	}
	return words, path
}
