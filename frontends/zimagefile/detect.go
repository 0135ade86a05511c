// SPDX-License-Identifier: Apache-2.0

package zimagefile

import (
	"slices"
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// markers are the files at the root of a project that say what its language is.
// Languages that several kinds of project share a file with are not here.
var markers = []struct{ file, language string }{
	{"Cargo.toml", "rust"},
	{"go.mod", "go"},
	{"pyproject.toml", "python"},
	{"build.zig", "zig"},
}

// detect finds out the language of a project whose build file does not name it.
// nil while the host has not listed the context, and when it has none.
func (d *document) detect(f *field) *irv1.Word {
	root := d.answer(".")
	if root == nil {
		d.needs = append(d.needs, &frontendv1.Need{Kind: frontendv1.NeedKind_NEED_KIND_LIST, Paths: []string{"."}})
		return nil
	}
	if root.GetAbsent() {
		return nil
	}
	var found, known []string
	for _, m := range markers {
		known = append(known, m.file)
		if slices.Contains(root.GetEntries(), m.file) {
			found = append(found, m.file)
		}
	}
	switch len(found) {
	case 1:
		i := slices.Index(known, found[0])
		return &irv1.Word{Text: markers[i].language, Range: d.rangeOf(f.key.span)}
	case 0:
		d.error(f.key.span, "unknown-language", "nothing says what language the project is in: it has no "+strings.Join(known, ", ")).Help =
			`add "language: NAME" below wasm`
	default:
		d.error(f.key.span, "unknown-language", "the project has "+strings.Join(found, " and ")+", so its language is not clear").Help =
			`add "language: NAME" below wasm`
	}
	return nil
}

// answer returns what the host answered about a path; nil when it was not asked.
func (p *parser) answer(path string) *frontendv1.File {
	for _, f := range p.files {
		if f.GetPath() == path {
			return f
		}
	}
	return nil
}
