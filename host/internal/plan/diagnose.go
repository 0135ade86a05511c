// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

// The codes of diagnostics.
const (
	CodeNoBackend    = "no-backend"
	CodeUnknown      = "unknown-backend"
	CodeFeature      = "unsupported-feature"
	CodeUnavailable  = "unsupported-here"
	CodeExperimental = "experimental"
	CodePlatform     = "unsupported-platform"
)

// maxRelated is how many further uses a diagnostic points at.
const maxRelated = 3

// Diagnostics says why nothing was chosen, in the order of the file. It is
// empty when a backend was.
//
// The errors explain the backend that the user named or, when none was named,
// the one that lacks least. What others lack, when it is at most one thing
// more, is information: it may be easier to change.
func (p Plan) Diagnostics() []*diagv1.Diagnostic {
	if p.Backend != "" {
		return nil
	}
	v, ok := p.closest()
	if !ok {
		return []*diagv1.Diagnostic{p.nothing()}
	}
	list := p.explain(v)
	for _, other := range p.Verdicts {
		if other.ID == v.ID || p.request.Backend != "" || !p.near(other) || len(other.lasting()) > len(v.lasting())+1 {
			continue
		}
		for _, d := range p.explain(other) {
			d.Severity = diagv1.Severity_SEVERITY_INFO
			if !slices.ContainsFunc(list, func(e *diagv1.Diagnostic) bool { return e.GetMessage() == d.GetMessage() }) {
				list = append(list, d)
			}
		}
	}
	diag.Sort(list)
	return list
}

// nothing says that there is no backend to explain.
func (p Plan) nothing() *diagv1.Diagnostic {
	if id := p.request.Backend; id != "" && len(p.ids()) > 0 {
		d := diag.Error(nil, CodeUnknown, fmt.Sprintf("no backend is called %q", id))
		d.Help = "installed are: " + strings.Join(p.ids(), ", ")
		return d
	}
	d := diag.Error(nil, CodeNoBackend, "no backend is installed")
	if len(p.Verdicts) > 0 {
		d.Message = "no installed backend can be used"
	}
	d.Help = "install one; 'zlayer plugin list' shows what there is"
	return d
}

// closest is the verdict to explain. ok is false when there is none.
func (p Plan) closest() (v Verdict, ok bool) {
	list := slices.DeleteFunc(slices.Clone(p.Verdicts), func(v Verdict) bool {
		return v.Problem != "" || (p.request.Backend != "" && v.ID != p.request.Backend)
	})
	if len(list) == 0 {
		return Verdict{}, false
	}
	return slices.MinFunc(list, func(a, b Verdict) int {
		return cmp.Or(cmp.Compare(len(a.lasting()), len(b.lasting())), cmp.Compare(len(a.Missing), len(b.Missing)))
	}), true
}

// lasting is what a backend lacks whatever the user allows.
func (v Verdict) lasting() []Missing {
	return slices.DeleteFunc(slices.Clone(v.Missing), func(m Missing) bool { return m.Reason == backend.ReasonExperimental })
}

// explain says what a backend lacks. What is only experimental counts when
// allowing it would help.
func (p Plan) explain(v Verdict) []*diagv1.Diagnostic {
	missing := v.lasting()
	if len(missing) == 0 {
		missing = v.Missing
	}
	var list []*diagv1.Diagnostic
	for _, m := range missing {
		list = append(list, p.diagnose(v, m))
	}
	return list
}

// diagnose says what a backend lacks, where it is needed, and what to do.
func (p Plan) diagnose(v Verdict, m Missing) *diagv1.Diagnostic {
	d := diag.Error(m.Uses[0].Range, m.code(), p.message(v, m))
	d.Help = p.help(v, m)
	for _, use := range m.Uses[1:min(len(m.Uses), maxRelated+1)] {
		d.Related = append(d.Related, &diagv1.Related{Range: use.Range, Message: "also needed here"})
	}
	return d
}

func (p Plan) message(v Verdict, m Missing) string {
	switch {
	case m.Reason == backend.ReasonExperimental:
		return fmt.Sprintf("%s is experimental in %s on this machine: %s", m.what(), v.ID, m.Message)
	case m.Message != "":
		return fmt.Sprintf("%s cannot do %s here: %s", v.ID, m.what(), m.Message)
	case p.request.Backend == "" && p.nobody(m):
		return "no installed backend supports " + m.what()
	}
	return fmt.Sprintf("%s does not support %s", v.ID, m.what())
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
	case m.Reason == backend.ReasonExperimental:
		return CodeExperimental
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
	if m.Reason == backend.ReasonExperimental {
		return allow
	}
	if m.Alternative != "" {
		return m.Alternative + p.then(v)
	}
	if p.request.Backend == "" {
		if ids := p.having(m); len(ids) > 0 {
			help := strings.Join(ids, ", ") + " has it, but lacks other things that this build needs"
			if then := p.then(v); then != "" {
				help = "leave it out" + then + "; " + help
			}
			return help
		}
	}
	return "install a backend that has it, or leave it out" + p.then(v)
}

// allow says how to use what is experimental.
const allow = "allow it with --experimental, with ZLAYER_EXPERIMENTAL=true, or with \"experimental: true\" in your own config.yaml"

// then names the backend for which nothing else is in the way, where there is
// more than one to think of.
func (p Plan) then(v Verdict) string {
	if p.request.Backend != "" || len(v.lasting()) > 1 || !slices.ContainsFunc(p.Verdicts, func(o Verdict) bool { return o.ID != v.ID && p.near(o) }) {
		return ""
	}
	return " (then " + v.ID + " can build this)"
}

// having lists the backends that lack other things, but not this one.
func (p Plan) having(m Missing) (ids []string) {
	for _, v := range p.Verdicts {
		if v.Problem == "" && !v.lacks(m, func(Missing) bool { return true }) {
			ids = append(ids, v.ID)
		}
	}
	return ids
}

// nobody says whether several backends are there and none ever has it.
func (p Plan) nobody(m Missing) bool {
	never := func(o Missing) bool { return o.Reason == ReasonNotSupported }
	return len(p.ids()) > 1 && !slices.ContainsFunc(p.Verdicts, func(v Verdict) bool { return v.Problem == "" && !v.lacks(m, never) })
}

// lacks says whether a backend lacks the same thing, in a way that counts.
func (v Verdict) lacks(m Missing, counts func(Missing) bool) bool {
	return slices.ContainsFunc(v.Missing, func(o Missing) bool {
		return o.Feature == m.Feature && o.Platform == m.Platform && counts(o)
	})
}

// ids lists the candidates that can be used.
func (p Plan) ids() (ids []string) {
	for _, v := range p.Verdicts {
		if v.Problem == "" {
			ids = append(ids, v.ID)
		}
	}
	return ids
}
