// SPDX-License-Identifier: Apache-2.0

package zimagefile

import (
	"path"
	"strconv"
	"strings"

	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// warnRelative warns about relative sources that are copied from a stage with a
// working directory. They are relative to the root of the stage, as in
// Dockerfiles; other builders of this format take them from the working
// directory.
func (p *parser) warnRelative(stages []*irv1.Stage) {
	dirs := make([]string, len(stages))
	for i, s := range stages {
		if base, ok := p.stageAt[strings.ToLower(s.Base.GetText())]; ok && base < i {
			dirs[i] = dirs[base]
		}
		for _, step := range s.Steps {
			if w := step.GetWorkdir(); w != nil {
				dirs[i] = path.Join("/", dirs[i], w.Text)
				if path.IsAbs(w.Text) {
					dirs[i] = path.Clean(w.Text)
				}
			}
			c := step.GetCopy()
			if from, ok := p.stageNumber(c.GetFrom().GetText()); ok && from < i && dirs[from] != "" {
				p.warnSources(c, dirs[from])
			}
		}
	}
}

// stageNumber finds a stage by name or number.
func (p *parser) stageNumber(name string) (int, bool) {
	if i, ok := p.stageAt[strings.ToLower(name)]; ok {
		return i, true
	}
	i, err := strconv.Atoi(name)
	return i, err == nil && i >= 0
}

// warnSources warns about the relative sources among those of a copy from a
// stage whose working directory is dir.
func (p *parser) warnSources(c *irv1.Copy, dir string) {
	for _, w := range c.Sources {
		if dir == "/" || strings.HasPrefix(w.Text, "/") || strings.HasPrefix(w.Text, "$") {
			continue
		}
		d := diag.Warning(w.Range, "relative-source", quote(w.Text)+" is relative to the root of the stage, not to its working directory")
		d.Help = `write the path from "/" on`
		if full := path.Join(dir, w.Text); !strings.ContainsAny(full, `\"$`) {
			d.Help = "write " + quote(full) + ", or " + quote("/"+w.Text)
			d.Fixes = []*diagv1.Fix{{
				Title: "change it to " + shorten(full),
				Edits: []*diagv1.Edit{{Range: w.Range, NewText: strconv.Quote(full)}},
			}}
		}
		p.found = append(p.found, d)
	}
}
