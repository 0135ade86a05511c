// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

// The codes of diagnostics.
const (
	CodeNoBackend   = "no-backend"
	CodeUnknown     = "unknown-backend"
	CodeFeature     = "unsupported-feature"
	CodeUnavailable = "unsupported-here"
	CodePlatform    = "unsupported-platform"
)

// maxRelated is how many further uses a diagnostic points at.
const maxRelated = 3

// Diagnostics says why nothing was chosen, in the order of the file. It is
// empty when a backend was.
//
// It explains the backend that the user named or, when none was named, the one
// that lacks least.
func (p Plan) Diagnostics() []*diagv1.Diagnostic {
	if p.Backend != "" {
		return nil
	}
	if len(p.Verdicts) == 0 {
		d := diag.Error(nil, CodeNoBackend, "no backend is installed")
		d.Help = "install one; 'zlayer plugin list' shows what there is"
		return []*diagv1.Diagnostic{d}
	}
	v, ok := p.closest()
	if !ok {
		d := diag.Error(nil, CodeUnknown, fmt.Sprintf("no backend is called %q", p.request.Backend))
		d.Help = "installed are: " + strings.Join(p.ids(), ", ")
		return []*diagv1.Diagnostic{d}
	}
	list := make([]*diagv1.Diagnostic, 0, len(v.Missing))
	for _, m := range v.Missing {
		list = append(list, p.diagnose(v, m))
	}
	diag.Sort(list)
	return list
}

// closest is the verdict to explain. ok is false when the user named a backend
// that there is not.
func (p Plan) closest() (v Verdict, ok bool) {
	if id := p.request.Backend; id != "" {
		i := slices.IndexFunc(p.Verdicts, func(v Verdict) bool { return v.ID == id })
		if i < 0 {
			return Verdict{}, false
		}
		return p.Verdicts[i], true
	}
	return slices.MinFunc(p.Verdicts, func(a, b Verdict) int { return cmp.Compare(len(a.Missing), len(b.Missing)) }), true
}

// diagnose says what a backend lacks, where it is needed, and what to do.
func (p Plan) diagnose(v Verdict, m Missing) *diagv1.Diagnostic {
	message := fmt.Sprintf("%s does not support %s", v.ID, m.what())
	if p.request.Backend == "" && len(p.Verdicts) > 1 && len(p.having(m)) == 0 {
		message = "no installed backend supports " + m.what()
	}
	if m.Message != "" {
		message = fmt.Sprintf("%s cannot do %s here: %s", v.ID, m.what(), m.Message)
	}
	d := diag.Error(m.Uses[0].Range, m.code(), message)
	d.Help = p.help(v, m)
	for _, use := range m.Uses[1:min(len(m.Uses), maxRelated+1)] {
		d.Related = append(d.Related, &diagv1.Related{Range: use.Range, Message: "also needed here"})
	}
	return d
}

// what names what is missing, for people.
func (m Missing) what() string {
	if m.Reason == ReasonCannotRun {
		return "running commands of platform " + m.Platform + " on this machine"
	}
	if m.Platform != "" {
		return "platform " + m.Platform
	}
	if f, ok := ir.LookupFeature(m.Feature); ok {
		doc, _, _ := strings.Cut(f.Doc, ", ") // "WORKDIR, the working directory"
		return doc
	}
	return fmt.Sprintf("the feature %q", m.Feature)
}

func (m Missing) code() string {
	switch {
	case m.Platform != "":
		return CodePlatform
	case m.Reason != ReasonNotSupported:
		return CodeUnavailable
	}
	return CodeFeature
}

// help is the way out: another backend that fits, another way to write it, or
// a backend that has at least this.
func (p Plan) help(v Verdict, m Missing) string {
	for _, other := range p.Verdicts {
		if other.Fits() {
			return fmt.Sprintf("%s can build this: choose it instead of %s", other.ID, v.ID)
		}
	}
	if m.Alternative != "" {
		return m.Alternative
	}
	if p.request.Backend == "" {
		if ids := p.having(m); len(ids) > 0 {
			return fmt.Sprintf("%s has it, but lacks other things that this build needs", strings.Join(ids, ", "))
		}
	}
	return "install a backend that has it, or leave it out"
}

// having lists the backends that lack other things, but not this one.
func (p Plan) having(m Missing) (ids []string) {
	for _, v := range p.Verdicts {
		if !slices.ContainsFunc(v.Missing, func(o Missing) bool { return o.Feature == m.Feature && o.Platform == m.Platform }) {
			ids = append(ids, v.ID)
		}
	}
	return ids
}

// ids lists the candidates.
func (p Plan) ids() (ids []string) {
	for _, v := range p.Verdicts {
		ids = append(ids, v.ID)
	}
	return ids
}
