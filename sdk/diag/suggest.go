// SPDX-License-Identifier: Apache-2.0

package diag

// Suggest returns the name that was probably meant by what was written, or "".
// Letters of either case are the same; of equally close names it is the first,
// so that the answer never varies.
func Suggest(written string, names []string) string {
	if len(written) > longestName {
		return ""
	}
	best, limit := "", 1+min(len(written)/4, 2)
	for _, name := range names {
		if d := distance(written, name); d <= limit {
			best, limit = name, d-1
		}
	}
	return best
}

// longestName keeps Suggest cheap on text that is no name at all.
const longestName = 40

// distance counts the insertions, deletions, changes and swaps of neighbours
// that turn a into b.
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
