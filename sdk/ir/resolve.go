// SPDX-License-Identifier: Apache-2.0

package ir

import (
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// Options is what a build file does not say. The zero value resolves the last
// stage for linux/amd64 without build arguments.
type Options struct {
	// Target is the name or number of the stage to build. "" means the last.
	Target string
	// BuildArgs are the values given for ARG, in order; of several with one
	// key the last counts. Those named like a proxy variable (HTTP_PROXY,
	// …, in any case) need no ARG: every RUN sees them, and no image
	// configuration or history does.
	BuildArgs []*irv1.KeyValue
	// BuildPlatform is the platform of this machine: BUILDPLATFORM and its
	// parts. nil means linux/amd64.
	BuildPlatform *irv1.Platform
	// TargetPlatform is the platform to build for: TARGETPLATFORM and its
	// parts. nil means BuildPlatform.
	TargetPlatform *irv1.Platform
	// Contexts are the named build contexts. They go before stages' own
	// contents and before images of the same name.
	Contexts []NamedContext
	// Images are the external images fetched so far, by what a Need said.
	Images map[ImageKey]*FetchedImage
	// Language is the language of a wasm build that names none, as the host
	// detected it. "" when it was not looked for.
	Language string
}

// NamedContext is a build context with a name.
type NamedContext struct {
	// Name is what FROM and --from say. Images are matched by their short
	// name, so that "debian" replaces docker.io/library/debian:latest.
	Name string
	// Image is the reference of the image to use. "" means a local folder.
	Image string
}

// ImageKey names an external image.
type ImageKey struct {
	// Reference is the full reference: "docker.io/library/debian:12".
	Reference string
	// Platform is the platform wanted, as FormatPlatform writes it.
	Platform string
}

// FetchedImage is what the host knows about an external image.
type FetchedImage struct {
	// Digest is that of the manifest for the platform: "sha256:…".
	Digest string
	// Platform is the image's own. nil means the one asked for.
	Platform *irv1.Platform
	// Config is its configuration. nil means an empty one. Resolve does not
	// change it.
	Config *irv1.ImageConfig
	// Onbuild are the parsed triggers of Config.onbuild, one for one. Their
	// ranges do not matter.
	Onbuild []*irv1.Step
}

// Need is an external image that Resolve has to know.
type Need struct {
	// Key is under which Options.Images shall have it.
	Key ImageKey
	// Platform is the platform of the key.
	Platform *irv1.Platform
	// Range is where it is first named.
	Range *diagv1.Range
	// Config says whether its configuration matters: it is a base. Otherwise
	// only its files do.
	Config bool
}

// Resolution is the result of Resolve.
type Resolution struct {
	// Build is the resolved build. nil while images are needed and when there
	// is an error among the diagnostics.
	Build *irv1.ResolvedBuild
	// Needs are the images still to be fetched, in order of first use. The
	// caller fetches them and calls Resolve again; a base may need more, by
	// its ONBUILD triggers.
	Needs []Need
	// Diagnostics are all findings. While images are needed some may be
	// missing.
	Diagnostics []*diagv1.Diagnostic
}

// Resolve turns a build into what a backend builds. An invalid one (see Validate)
// is a diagnostic. It is a pure function and does what BuildKit's Dockerfile frontend does, down to
// these rules:
//
//   - FROM and --platform see the ARGs before the first FROM and the automatic
//     platform ARGs; a stage sees those it declares again with ARG.
//   - A stage on another stage inherits configuration, environment, user,
//     directory and the values of ARGs, and runs its ONBUILD triggers.
//   - ENV and ARG write one environment: the later one wins. All words of an
//     instruction see the environment before it. Only ENV reaches the image,
//     and at the start of a stage on another stage it wins over ARG.
//   - --from, --network, --security, --exclude, MAINTAINER and command words
//     are never expanded.
//
// It differs in two points: a path that leaves its root ("../x") is an error
// instead of being cut off there, and the working directory is cleaned.
//
// Unreachable stages are dropped and not looked into. The words of a wasm build
// are literal.
func Resolve(b *irv1.Build, o Options) Resolution {
	r := newResolver(o)
	if err := Validate(b); err != nil {
		r.error("invalid-build", nil, err.Error(), "this is a fault of the frontend, not of the build file")
		return r.out
	}
	switch kind := b.Kind.(type) {
	case *irv1.Build_Container:
		r.container(kind.Container)
	case *irv1.Build_Wasm:
		r.wasm(kind.Wasm)
	}
	if hasErrors(r.out.Diagnostics) || len(r.out.Needs) > 0 {
		r.out.Build = nil
	}
	return r.out
}

// resolver resolves one build.
type resolver struct {
	o        Options
	out      Resolution
	platform *irv1.Platform // the target platform
	args     []string       // the environment of FROM: "KEY=value"
	consumed map[string]bool
	src      *irv1.Container
	names    map[string]int // stage names, lower case, to the last stage so named
	stages   []*stage       // by source index; nil until reached
	refs     []*irv1.Input  // inputs that hold a source index of a stage
	images   []*irv1.Image
	fetched  []*FetchedImage // index for index the images'
	imageAt  map[ImageKey]uint32
	contexts []string
}

func newResolver(o Options) *resolver {
	if o.BuildPlatform == nil {
		o.BuildPlatform = &irv1.Platform{Os: "linux", Architecture: "amd64"}
	}
	if o.TargetPlatform == nil {
		o.TargetPlatform = o.BuildPlatform
	}
	return &resolver{
		o:        o,
		platform: o.TargetPlatform,
		consumed: map[string]bool{},
		names:    map[string]int{},
		imageAt:  map[ImageKey]uint32{},
		contexts: []string{""},
	}
}

// container resolves a container build, starting from its target.
func (r *resolver) container(c *irv1.Container) {
	r.src = c
	r.stages = make([]*stage, len(c.Stages))
	for i, s := range c.Stages {
		if name := stageName(s); name != "" {
			r.names[name] = i
		}
	}
	target, ok := r.target()
	if !ok {
		return
	}
	r.globalArgs(target)
	r.stage(target)
	r.reportUnusedArgs()
	r.assemble()
}

// assemble puts the reached stages into one build, in source order: every
// stage comes after those it reads, and the target last.
func (r *resolver) assemble() {
	index := map[uint32]uint32{}
	c := &irv1.ResolvedContainer{Images: r.images, Contexts: r.contexts}
	for i, s := range r.stages {
		if s == nil || s.replaced != nil {
			continue
		}
		index[uint32(i)] = uint32(len(c.Stages))
		c.Stages = append(c.Stages, s.out)
	}
	for _, in := range r.refs {
		in.Index = index[in.Index]
	}
	r.out.Build = &irv1.ResolvedBuild{Kind: &irv1.ResolvedBuild_Container{Container: c}}
	r.out.Build.Features = Features(r.out.Build)
}

// wasm resolves a wasm build.
func (r *resolver) wasm(w *irv1.Wasm) {
	out := &irv1.ResolvedWasm{
		Language: w.Language.GetText(),
		Target:   w.Target.GetText(),
		Output:   w.Output.GetText(),
		Range:    w.Range,
		Options:  resolveOptions(w.Options),
	}
	if out.Language == "" {
		out.Language = r.o.Language
	}
	if out.Target == "" {
		out.Target = "preview1"
	}
	for _, l := range w.Labels {
		out.Labels = append(out.Labels, &irv1.KeyValue{Key: l.GetKey().GetText(), Value: l.GetValue().GetText()})
	}
	if out.Language == "" {
		r.error("unknown-language", w.Range, "the language of the wasm build is not known", `say which it is, as in "language: go"`)
		return
	}
	for id, at := range map[string]*irv1.Word{"wasm." + out.Language: w.Language, "wasm." + out.Target: w.Target} {
		_, ok := LookupFeature(id)
		if _, option := wasmOptions[strings.TrimPrefix(id, "wasm.")]; !ok || option {
			r.error("unknown-feature", at.GetRange(), quote(at.GetText())+" is not a known language or target of wasm builds", "")
			return
		}
	}
	r.out.Build = &irv1.ResolvedBuild{Kind: &irv1.ResolvedBuild_Wasm{Wasm: out}}
	r.out.Build.Features = Features(r.out.Build)
}
