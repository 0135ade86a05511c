// SPDX-License-Identifier: Apache-2.0

package differential_test

import (
	"fmt"
	"path"
	"strings"

	"github.com/zlayer/zlayer/conformance/internal/image"
)

// tolerance is a line of tolerated.txt: a difference that is known, and why it
// may be.
type tolerance struct {
	line                    int
	vector, path, attribute string // patterns, as path.Match has them; "**" is everything
	reason                  string
	oneID                   bool // only then
	used                    bool
}

// Who builds.
const (
	asRoot    = "root"
	asUser    = "user"   // with subordinate ids
	withOneID = "one-id" // a user without
)

// parseTolerated reads "CASE PATH ATTRIBUTE # REASON" lines. Of those whose CASE
// begins with "user:" or "one-id:" it leaves out what is not for who builds.
func parseTolerated(text, who string) ([]*tolerance, error) {
	var list []*tolerance
	for n, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		what, reason, ok := strings.Cut(line, " # ")
		words := strings.Fields(what)
		if !ok || len(words) != 3 {
			return nil, fmt.Errorf("line %d: want CASE PATH ATTRIBUTE # REASON", n+1)
		}
		for _, w := range words {
			if _, err := path.Match(w, ""); err != nil {
				return nil, fmt.Errorf("line %d: %q: %w", n+1, w, err)
			}
		}
		whose, vector, special := strings.Cut(words[0], ":")
		switch {
		case !special:
			vector = words[0]
		case whose == asUser && who == asRoot, whose == withOneID && who != withOneID:
			continue
		case whose != asUser && whose != withOneID:
			return nil, fmt.Errorf("line %d: %q is neither user nor one-id", n+1, whose)
		}
		list = append(list, &tolerance{line: n + 1, vector: vector, path: words[1], attribute: words[2], reason: reason, oneID: whose == withOneID})
	}
	return list, nil
}

// covers says whether a difference is tolerated.
func (t *tolerance) covers(vector string, d image.Difference) bool {
	return matches(t.vector, vector) && matches(t.path, d.Path) && matches(t.attribute, d.Attribute)
}

func matches(pattern, s string) bool {
	ok, err := path.Match(pattern, s)
	return pattern == "**" || err == nil && ok
}

// intolerable returns the differences that no line covers, and marks the
// lines that cover one as used.
func intolerable(list []*tolerance, vector string, all []image.Difference) []image.Difference {
	var left []image.Difference
	for _, d := range all {
		covered := false
		for _, t := range list {
			if t.covers(vector, d) {
				t.used, covered = true, true
			}
		}
		if !covered {
			left = append(left, d)
		}
	}
	return left
}

// stale returns the lines that covered nothing.
func stale(list []*tolerance) []*tolerance {
	var left []*tolerance
	for _, t := range list {
		if !t.used {
			left = append(left, t)
		}
	}
	return left
}
