// SPDX-License-Identifier: Apache-2.0

package zimagefile

import "slices"

// synonyms are what people write who come from Dockerfiles and Compose files.
var synonyms = []struct{ written, meant string }{
	{"from", "base"}, {"image", "base"}, {"environment", "env"}, {"envs", "env"}, {"command", "cmd"},
	{"ports", "expose"}, {"port", "expose"}, {"working_dir", "workdir"}, {"cwd", "workdir"}, {"context", "build"},
	{"dest", "to"}, {"destination", "to"}, {"target", "to"}, {"chown", "owner"}, {"mode", "chmod"},
	{"mount", "cache"}, {"mounts", "cache"}, {"arg", "args"}, {"stage", "stages"}, {"stop_signal", "stopsignal"},
	{"shell", "run"}, {"instructions", "steps"}, {"lang", "language"}, {"out", "output"}, {"path", "target"},
	{"test", "cmd"}, {"name", "id"}, {"ro", "readonly"},
}

// suggest returns the key that was probably meant, or "". Of equally close ones
// it is the first.
func suggest(written string, keys []string) string {
	if len(written) > 40 {
		return ""
	}
	best, limit := "", 1+min(len(written)/4, 2)
	consider := func(candidate, key string) {
		if d := distance(written, candidate); d <= limit {
			best, limit = key, d-1
		}
	}
	for _, key := range keys {
		consider(key, key)
	}
	for _, s := range synonyms {
		if slices.Contains(keys, s.meant) {
			consider(s.written, s.meant)
		}
	}
	return best
}

// distance counts the insertions, deletions, changes and swaps of neighbours
// that turn a into b, letters of either case being the same.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if lower(a[i]) == lower(b[j]) {
				cost = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+cost)
			if i > 0 && j > 0 && lower(a[i]) == lower(b[j-1]) && lower(a[i-1]) == lower(b[j]) {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
