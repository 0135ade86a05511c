// SPDX-License-Identifier: Apache-2.0

package zimagefile

import (
	"slices"
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/diagv1"
)

// The keys of every mapping of the schema, in the order in which a suggestion
// prefers them.
var (
	modeKeys  = []string{"runtime", "wasm", "stages", "base", "build"}
	bodyKeys  = []string{"platform", "os", "args", "env", "workdir", "steps", "labels", "expose", "user", "entrypoint", "cmd", "volumes", "healthcheck", "stopsignal"}
	topKeys   = slices.Concat([]string{"version"}, modeKeys, bodyKeys)
	stageKeys = slices.Concat([]string{"base", "build"}, bodyKeys)

	instructionKeys = []string{"run", "copy", "add", "env", "workdir", "user"}
	stepKeys        = slices.Concat(instructionKeys, []string{"to", "from", "owner", "chmod", "cache"})
	cacheKeys       = []string{"target", "id", "sharing", "readonly"}
	healthKeys      = []string{"cmd", "interval", "timeout", "start_period", "retries"}
	wasmKeys        = []string{"target", "optimize", "opt_level", "language", "wit", "world", "output", "features", "default_features", "package", "program", "profile", "build_args", "pre_build", "post_build", "adapter", "oci"}
)

// field is a key of a mapping and its value, aliases followed.
type field struct {
	key, value *node
	// at is where the value stands, be it an alias.
	at span
}

// name is the key's text.
func (f *field) name() string { return f.key.value }

// whole is the stretch from the key to the end of the value.
func (f *field) whole() span { return span{f.key.start, max(f.key.end, f.at.end)} }

// place is where to point at for the value: the key when there is no text.
func (f *field) place() span {
	if f.value.start == f.value.end {
		return f.key.span
	}
	return f.value.span
}

// fields are the keys of a mapping in their order, each once.
type fields struct {
	at   span
	list []*field
	// guessed are the known keys that unknown ones probably meant.
	guessed []string
}

// get returns the field of a name, or nil.
func (f *fields) get(name string) *field {
	for _, x := range f.list {
		if x.name() == name {
			return x
		}
	}
	return nil
}

// fields reads a mapping whose keys are known. Unknown keys, and keys that come
// twice, are reported and left out.
func (p *parser) fields(n *node, what string, known []string) (fields, bool) {
	out := fields{at: n.span}
	n = n.resolve()
	if n.kind != mappingNode {
		p.error(n.span, "wrong-type", what+" is a mapping with keys, not "+n.describe()).Help = `the keys are ` + strings.Join(known, ", ")
		return out, false
	}
	for _, x := range p.entries(n) {
		if slices.Contains(known, x.name()) {
			out.list = append(out.list, x)
			continue
		}
		guess := p.unknownKey(x, what, known)
		out.guessed = append(out.guessed, guess)
	}
	return out, true
}

// unknownKey reports a key and returns the one that was meant, or "".
func (p *parser) unknownKey(x *field, what string, known []string) string {
	d := p.error(x.key.span, "unknown-key", what+" has no key "+quote(x.name()))
	guess := ""
	if len(p.found) < 10*maxFindings {
		guess = suggest(x.name(), known)
	}
	switch {
	case x.name() == "<<":
		d.Help = "merge keys are not YAML 1.2; write the keys out"
	case guess != "":
		d.Help = "did you mean " + guess + "?"
		d.Fixes = []*diagv1.Fix{p.replace("change "+shorten(x.name())+" to "+guess, x.key.span, guess)}
	default:
		d.Help = "the keys are " + strings.Join(known, ", ")
	}
	return guess
}

// entries returns the keys and values of a mapping. Keys that are not text, and
// keys that come twice, are reported and left out.
func (p *parser) entries(n *node) []*field {
	out := make([]*field, 0, len(n.items)/2)
	seen := make(map[string]*node, len(n.items)/2)
	for i := 0; i+1 < len(n.items); i += 2 {
		key, value := n.items[i].resolve(), n.items[i+1]
		if key.kind != scalarNode || key.isNull() {
			p.error(key.span, "wrong-type", "a key is text, not "+key.describe())
			continue
		}
		if first := seen[key.value]; first != nil {
			d := p.error(key.span, "duplicate-key", "the key "+quote(key.value)+" comes twice")
			d.Help = "remove one of them"
			d.Related = []*diagv1.Related{{Range: p.rangeOf(first.span), Message: "first here"}}
			continue
		}
		seen[key.value] = key
		out = append(out, &field{key: key, value: value.resolve(), at: value.span})
	}
	return out
}
