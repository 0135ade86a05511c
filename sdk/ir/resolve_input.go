// SPDX-License-Identifier: Apache-2.0

package ir

import (
	"strconv"
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// stageInput refers to a stage by its source index, until assemble renumbers.
func (r *resolver) stageInput(i int) *irv1.Input {
	in := &irv1.Input{Kind: irv1.InputKind_INPUT_KIND_STAGE, Index: uint32(i)}
	r.refs = append(r.refs, in)
	return in
}

// namedContext returns the named context for a stage or image name, or nil.
func (r *resolver) namedContext(name string) *NamedContext {
	switch strings.ToLower(name) {
	case "", "scratch", "context":
		return nil
	}
	short := name
	if full, err := NormalizeReference(name); err == nil {
		short = familiar(full)
	}
	for i, c := range r.o.Contexts {
		if c.Name == name || familiarName(c.Name) == short {
			return &r.o.Contexts[i]
		}
	}
	return nil
}

// familiarName is familiar for a name that may be no reference.
func familiarName(name string) string {
	if full, err := NormalizeReference(name); err == nil {
		return familiar(full)
	}
	return name
}

// contextInput returns a named context as an input. nil means that its image is
// not known yet, or wrong.
func (r *resolver) contextInput(c *NamedContext, p *irv1.Platform, at *diagv1.Range, config bool) *irv1.Input {
	if c.Image != "" {
		return r.image(c.Image, p, at, config)
	}
	for i, name := range r.contexts {
		if i > 0 && name == c.Name {
			return &irv1.Input{Kind: irv1.InputKind_INPUT_KIND_CONTEXT, Index: uint32(i)}
		}
	}
	r.contexts = append(r.contexts, c.Name)
	return &irv1.Input{Kind: irv1.InputKind_INPUT_KIND_CONTEXT, Index: uint32(len(r.contexts) - 1)}
}

// external returns a named context or an image as an input. nil means that it
// is not known yet, or wrong.
func (r *resolver) external(name string, p *irv1.Platform, at *diagv1.Range, config bool) *irv1.Input {
	if c := r.namedContext(name); c != nil {
		return r.contextInput(c, p, at, config)
	}
	return r.image(name, p, at, config)
}

// image returns an external image as an input, or records that it is needed.
func (r *resolver) image(name string, p *irv1.Platform, at *diagv1.Range, config bool) *irv1.Input {
	full, err := NormalizeReference(name)
	if err != nil {
		r.error("bad-reference", at, err.Error(), r.referenceHelp(name))
		return nil
	}
	key := ImageKey{full, FormatPlatform(p)}
	if i, ok := r.imageAt[key]; ok {
		return &irv1.Input{Kind: irv1.InputKind_INPUT_KIND_IMAGE, Index: i}
	}
	f := r.o.Images[key]
	if f == nil {
		r.need(key, p, at, config)
		return nil
	}
	r.imageAt[key] = uint32(len(r.images))
	r.images = append(r.images, pinned(key, p, f))
	r.fetched = append(r.fetched, f)
	return &irv1.Input{Kind: irv1.InputKind_INPUT_KIND_IMAGE, Index: r.imageAt[key]}
}

// referenceHelp offers the stages' names for a base that is no image.
func (r *resolver) referenceHelp(name string) string {
	var names []string
	for _, s := range r.src.Stages {
		names = append(names, stageName(s))
	}
	return didYouMean(name, names)
}

// pinned is the entry of a fetched image in the resolved build.
func pinned(key ImageKey, p *irv1.Platform, f *FetchedImage) *irv1.Image {
	img := &irv1.Image{Reference: key.Reference, Digest: f.Digest, Platform: p, Config: &irv1.ImageConfig{}}
	if f.Platform != nil {
		img.Platform = f.Platform
	}
	if f.Config != nil {
		img.Config = f.Config
	}
	return img
}

// need records an image that has to be fetched, once.
func (r *resolver) need(key ImageKey, p *irv1.Platform, at *diagv1.Range, config bool) {
	for i := range r.out.Needs {
		if r.out.Needs[i].Key == key {
			r.out.Needs[i].Config = r.out.Needs[i].Config || config
			return
		}
	}
	r.out.Needs = append(r.out.Needs, Need{Key: key, Platform: p, Range: at, Config: config})
}

// from returns the input that --from names: a stage by name, or by number when
// numbers are allowed, a named context or an image. nil means that it is not
// known yet, or wrong.
func (s *stage) from(w *irv1.Word, flag string, numbers bool) *irv1.Input {
	at := orElse(w.GetRange(), s.step.GetRange())
	name := w.GetText()
	if strings.Contains(strings.TrimSuffix(name, "$"), "$") {
		s.error("variable-in-from", at, flag+" cannot hold variables",
			"name a stage: FROM "+name+" AS source, with an ARG before the first FROM")
		return nil
	}
	if i, ok := s.fromStage(name, numbers); ok {
		return s.dependOn(i, flag, at)
	}
	if _, err := strconv.Atoi(name); err == nil && numbers {
		s.error("unknown-stage", at, flag+"="+name+": there are only "+strconv.Itoa(len(s.stages))+" stages, numbered from 0", "")
		return nil
	}
	if name == "scratch" {
		return &irv1.Input{Kind: irv1.InputKind_INPUT_KIND_SCRATCH}
	}
	return s.external(name, s.platform, at, false)
}

// fromStage finds the stage of a name or number.
func (s *stage) fromStage(name string, numbers bool) (int, bool) {
	if i, err := strconv.Atoi(name); err == nil {
		return i, numbers && i >= 0 && i < len(s.stages)
	}
	i, ok := s.names[strings.ToLower(name)]
	return i, ok
}

// dependOn returns another stage as an input, after resolving it.
func (s *stage) dependOn(i int, flag string, at *diagv1.Range) *irv1.Input {
	if i >= s.index {
		s.forward(i, flag, at)
		return nil
	}
	dep := s.resolver.stage(i)
	switch {
	case dep.incomplete:
		return nil
	case dep.replaced != nil:
		return dep.replaced
	}
	return s.stageInput(i)
}

// forward reports a stage that reads itself, or one that comes later.
func (s *stage) forward(i int, flag string, at *diagv1.Range) {
	name := s.resolver.src.Stages[i].GetName().GetText()
	if name == "" {
		name = strconv.Itoa(i)
	}
	switch {
	case i == s.index:
		s.error("stage-cycle", at, "stage "+quote(name)+" reads from itself", flag+" has to name an earlier stage")
	case s.reads(i, s.index, map[int]bool{}):
		s.error("stage-cycle", at, "stages "+quote(s.out.Name)+" and "+quote(name)+" depend on each other", "")
	default:
		s.error("forward-stage", at, "stage "+quote(name)+" is defined after the stage that reads from it",
			"move it before stage "+quote(s.out.Name))
	}
}

// reads says whether a stage depends, directly or not, on another one.
func (s *stage) reads(i, on int, seen map[int]bool) bool {
	if i == on || seen[i] {
		return i == on
	}
	seen[i] = true
	for _, name := range sourceNames(s.resolver.src.Stages[i]) {
		if j, ok := s.fromStage(name, true); ok && s.reads(j, on, seen) {
			return true
		}
	}
	return false
}

// sourceNames returns what a stage names as base and in --from.
func sourceNames(s *irv1.Stage) []string {
	names := []string{s.GetBase().GetText()}
	for _, step := range s.Steps {
		if c := step.GetCopy(); c.GetFrom() != nil {
			names = append(names, c.From.Text)
		}
		for _, m := range step.GetRun().GetMounts() {
			if w := mountOption(m, "from"); w != nil {
				names = append(names, w.Text)
			}
		}
	}
	return names
}
