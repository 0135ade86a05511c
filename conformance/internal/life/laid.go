// SPDX-License-Identifier: Apache-2.0

package life

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/zlayer/zlayer/conformance/internal/serve"
	"github.com/zlayer/zlayer/conformance/internal/target"
	"github.com/zlayer/zlayer/conformance/vectors"
	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/sdk/buildctx"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

// laid is a build on disk.
type laid struct {
	context *backendv1.Context
	images  string // the layout with its images; empty for wasm
	// resolve makes what a backend gets. The mark is one of the run.
	resolve func(mark string) *irv1.ResolvedBuild
}

// lay writes a build of the script, once, and reads it.
func (p *play) lay(name string) *laid {
	if l := p.laid[name]; l != nil {
		return l
	}
	b, ok := p.life.Builds[name]
	if !ok {
		b, ok = p.builds[name]
	}
	kind := string(p.kind)
	if p.kind == target.Wasm {
		kind = p.language
	}
	switch {
	case !ok:
		p.fatal(classSuite, "the script is wrong: there is no build %q", name)
	case b[kind] == nil:
		p.CannotRun("the build %q is not there for %s", name, kind)
	}
	dir := filepath.Join(p.dir, "build-"+name)
	p.check(os.Mkdir(dir, 0o755))
	p.check(b.Write(dir, kind))
	l := &laid{context: &backendv1.Context{Path: filepath.Join(dir, "context")}}
	ignore, err := buildctx.FindIgnore(l.context.Path, "")
	p.check(err)
	l.context.Ignore = ignore.Patterns()
	if p.kind == target.Wasm {
		l.resolve = p.module
	} else {
		l.resolve, l.images = p.container(b)
		p.watch(l.images)
	}
	p.watch(dir)
	p.laid[name] = l
	return l
}

// module is the wasm build of a project.
func (p *play) module(string) *irv1.ResolvedBuild {
	return &irv1.ResolvedBuild{
		Features: []string{"wasm." + p.language, "wasm.preview1"},
		Kind:     &irv1.ResolvedBuild_Wasm{Wasm: &irv1.ResolvedWasm{Language: p.language, Target: "preview1"}},
	}
}

// container reads a Dockerfile and returns what resolves it: every image in it
// is the base image, the argument MARK is the mark of the run. images is the
// layout with that image.
func (p *play) container(b vectors.Build) (resolve func(mark string) *irv1.ResolvedBuild, images string) {
	made, err := p.images()
	if missing := (*serve.MissingError)(nil); errors.As(err, &missing) {
		p.CannotRun("%v", err)
	}
	p.check(err)
	h, err := p.host()
	p.check(err)
	checked, err := h.Check(p.ctx, host.Source{Name: "Dockerfile", Content: dockerfile(b)})
	p.check(err)
	resolve = func(mark string) *irv1.ResolvedBuild {
		o := ir.Options{
			BuildArgs:     []*irv1.KeyValue{{Key: "MARK", Value: mark}},
			BuildPlatform: made.base.Platform, Images: map[ir.ImageKey]*ir.FetchedImage{},
		}
		for {
			r := ir.Resolve(checked.Build, o)
			if found := slices.Concat(checked.Diagnostics, r.Diagnostics); diag.HasErrors(found) {
				p.fatal(classSuite, "the Dockerfile is wrong: %v", found)
			}
			if len(r.Needs) == 0 {
				return r.Build
			}
			for _, need := range r.Needs {
				o.Images[need.Key] = made.base
			}
		}
	}
	return resolve, made.dir
}

// dockerfile is the text of a container build's Dockerfile.
func dockerfile(b vectors.Build) []byte {
	i := slices.IndexFunc(b[string(target.Container)], func(f vectors.File) bool { return f.Name == "Dockerfile" })
	if i < 0 {
		return nil
	}
	return b[string(target.Container)][i].Data
}

// message is the beginning of the build of l as job id: everything that SPEC
// says a host fills in.
func (p *play) message(l *laid, id string) *backendv1.Start {
	temp := filepath.Join(p.dir, "job-"+id)
	p.check(os.Mkdir(temp, 0o700))
	epoch := int64(1_000_000_000)
	build := l.resolve(p.mark + "-" + id)
	p.Needs(build.GetFeatures()...)
	return &backendv1.Start{
		JobId: id, Build: build, Contexts: []*backendv1.Context{l.context.CloneVT()},
		ImagesDir: l.images, StateDir: p.stateDir, TempDir: temp, SourceDateEpoch: &epoch,
	}
}

// alter changes the beginning of a build as options of the line say.
func (p *play) alter(start *backendv1.Start, w *words) {
	start.NoCache = w.flag("no-cache")
	if w.flag("bare") { // what the first hosts did not have
		start.SourceDateEpoch = nil
	}
	if id, ok := w.setting("feature"); ok {
		start.Build.Features = append(start.Build.Features, id)
		slices.Sort(start.Build.Features)
	}
	if w.flag("no-build") {
		start.Build = nil
	}
	if w.flag("no-kind") {
		start.Build.Kind = nil
	}
	if text, ok := w.setting("pad"); ok {
		n, err := amount(text)
		p.check(err)
		pad(start.Build, int(n))
	}
	if w.flag("unknown-op") {
		stages := start.Build.GetContainer().GetStages()
		steps := stages[len(stages)-1].Steps
		steps[len(steps)-1].Op = nil
	}
	if w.flag("unknown-field") {
		p.check(grease(start.Build))
	}
	if w.flag("grease") {
		p.check(grease(start))
		for _, c := range start.Contexts {
			p.check(grease(c))
		}
	}
}

// pad makes a build larger by labels of n bytes, which are no backend's
// business.
func pad(b *irv1.ResolvedBuild, n int) {
	const size = 10 << 10
	var labels []*irv1.KeyValue
	for i := range n / size {
		labels = append(labels, &irv1.KeyValue{Key: fmt.Sprintf("pad.%06d", i), Value: fill(size)})
	}
	if w := b.GetWasm(); w != nil {
		w.Labels = append(w.Labels, labels...)
		return
	}
	stages := b.GetContainer().GetStages()
	config := stages[len(stages)-1].Config
	config.Labels = append(config.Labels, labels...)
	slices.SortFunc(config.Labels, func(a, b *irv1.KeyValue) int {
		if a.GetKey() < b.GetKey() {
			return -1
		}
		return 1
	})
}

// fill is a text of n bytes.
func fill(n int) string {
	text := make([]byte, n)
	for i := range text {
		text[i] = 'x'
	}
	return string(text)
}

// grease adds fields to a message that no version has: what a newer side would
// send.
func grease(m interface{ UnmarshalVT([]byte) error }) error {
	return m.UnmarshalVT([]byte{
		0xf8, 0x7f, 0x07, // field 2047, a number
		0xfa, 0x7f, 0x02, 'h', 'i', // field 2047, bytes
	})
}
