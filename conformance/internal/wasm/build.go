// SPDX-License-Identifier: Apache-2.0

package wasm

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/zlayer/zlayer/conformance/internal/engine"
	"github.com/zlayer/zlayer/conformance/internal/peer"
	"github.com/zlayer/zlayer/conformance/internal/target"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/backendv1/backendv1grpc"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// builder is what all cases share.
type builder struct {
	target *target.Target
	engine *engine.Engine
	// state is the state folder of all builds, so that a standard library is
	// compiled once.
	state string
}

// job is one build of the project of a case.
type job struct {
	project, state string
	noCache        bool
}

// result is what came of a build.
type result struct {
	class         string // "ok", "source", "died", …
	message, help string
	place         string // FILE:LINE:COLUMN of the first error, as far as known
	output        strings.Builder
	tools         map[string]string // what Describe names
	inputs        map[string]string // what was read: "tool go"
	warnings      []string          // their codes
	blobs         []*backendv1.Blob
	path          string // of the module
}

// build starts the backend and has it do a build, and reports what is wrong
// whatever comes out: what a build has changed besides its own folders.
func (r *trial) build(ctx context.Context, j job) *result {
	out := &result{tools: map[string]string{}, inputs: map[string]string{}}
	temp, err := r.target.Scratch("temp")
	if err != nil {
		r.Fatalf("suite", "making a folder: %v", err)
	}
	defer os.RemoveAll(temp)
	around := filepath.Dir(j.project)
	before := look(around)
	env := append(r.target.Env(), "TMPDIR="+temp)
	p, err := peer.Start(ctx, peer.Options{Path: r.target.Main, Env: with(env, r.Env)})
	if err != nil {
		r.Fatalf("died", "it did not start: %v", err)
	}
	defer p.Close()
	if r.describe(ctx, p.Client, j, out) {
		r.talk(ctx, p.Client, r.start(j, temp), out)
	}
	for _, change := range before.changes(look(around)) {
		r.Failf(out.class, "[B8] the build has %s", change)
	}
	return out
}

// with gives variables another value. The last value of a name counts.
func with(env, more []string) []string { return append(slices.Clone(env), more...) }

// describe asks what the backend can do here. It reports whether that is
// enough.
func (r *trial) describe(ctx context.Context, c backendv1grpc.BackendClient, j job, out *result) bool {
	if err := os.MkdirAll(j.state, 0o700); err != nil {
		r.Fatalf("suite", "making a folder: %v", err)
	}
	d, err := c.Describe(ctx, &backendv1.DescribeRequest{StateDir: j.state})
	if err != nil {
		r.Fatalf("died", "Describe failed: %v", err)
	}
	for _, t := range d.GetTools() {
		out.tools[t.GetKey()] = t.GetValue()
	}
	needs := features(r.Wasm)
	for _, s := range d.GetSubtracted() {
		if slices.Contains(needs, s.GetFeature()) {
			out.class, out.message, out.help = "unsupported", s.GetMessage(), s.GetAlternative()
			return false
		}
	}
	return true
}

// start is the message that begins a build.
func (r *trial) start(j job, temp string) *backendv1.Start {
	wasm := &irv1.ResolvedWasm{Language: r.Language, Target: "preview1"}
	for _, o := range slices.Sorted(slices.Values(names(r.Options))) {
		option := &irv1.ResolvedWasmOption{Name: o}
		for _, given := range r.Options {
			if name, value, _ := strings.Cut(given, "="); name == o {
				option.Values = append(option.Values, value)
			}
		}
		wasm.Options = append(wasm.Options, option)
	}
	return &backendv1.Start{
		JobId: filepath.Base(temp), StateDir: j.state, TempDir: temp, NoCache: j.noCache, SourceDateEpoch: r.Epoch,
		Contexts: []*backendv1.Context{{Path: j.project, Ignore: r.Ignore}},
		Build:    &irv1.ResolvedBuild{Features: features(r.Wasm), Kind: &irv1.ResolvedBuild_Wasm{Wasm: wasm}},
	}
}

// names are the names of options, each once.
func names(options []string) (list []string) {
	for _, o := range options {
		if name, _, _ := strings.Cut(o, "="); !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}

// talk has a build done, and its module written.
func (r *trial) talk(ctx context.Context, c backendv1grpc.BackendClient, start *backendv1.Start, out *result) {
	stream, err := c.Build(ctx)
	if err == nil {
		err = stream.Send(&backendv1.BuildRequest{Message: &backendv1.BuildRequest_Start{Start: start}})
	}
	if err != nil {
		r.Fatalf("died", "Build failed: %v", err)
	}
	for out.class == "" {
		e, err := stream.Recv()
		if err != nil {
			r.Fatalf("died", "the stream of the build broke: %v", err)
		}
		r.Tracef("event %s", e)
		out.hear(e)
	}
	if out.class == "ok" {
		r.export(ctx, c, start, out)
	}
}

// hear notes an event.
func (o *result) hear(e *backendv1.BuildEvent) {
	switch e := e.GetEvent().(type) {
	case *backendv1.BuildEvent_Output:
		o.output.Write(e.Output.GetData())
	case *backendv1.BuildEvent_Warning:
		o.warnings = append(o.warnings, e.Warning.GetFinding().GetDiagnostic().GetCode())
	case *backendv1.BuildEvent_InputRead:
		o.inputs[e.InputRead.GetKind()+" "+e.InputRead.GetName()] = e.InputRead.GetDigest()
	case *backendv1.BuildEvent_Artifact:
		o.class, o.blobs = "ok", e.Artifact.GetBlobs()
		o.message = e.Artifact.GetHandle()
	case *backendv1.BuildEvent_Failed:
		o.fail(e.Failed)
	}
}

func (o *result) fail(f *backendv1.Failed) {
	o.class = strings.ToLower(strings.TrimPrefix(f.GetKind().String(), "FAILURE_KIND_"))
	o.message, o.help = f.GetMessage(), f.GetHelp()
	for _, finding := range f.GetFindings() {
		if d := finding.GetDiagnostic(); d.GetSeverity() == diagv1.Severity_SEVERITY_ERROR {
			o.place = finding.GetFile()
			if at := d.GetRange(); at.GetLine() > 0 {
				o.place = fmt.Sprintf("%s:%d:%d", o.place, at.GetLine(), at.GetColumn())
			}
			return
		}
	}
}

// export has the module written.
func (r *trial) export(ctx context.Context, c backendv1grpc.BackendClient, start *backendv1.Start, out *result) {
	if len(out.blobs) != 1 {
		r.Fatalf("ok", "[B11] the artifact has %d blobs, not one module", len(out.blobs))
	}
	dir, err := os.MkdirTemp(r.dir, "module-")
	if err != nil {
		r.Fatalf("suite", "making a folder: %v", err)
	}
	digest := out.blobs[0].GetDigest()
	_, err = c.Export(ctx, &backendv1.ExportRequest{StateDir: start.GetStateDir(), Handle: out.message, Digests: []string{digest}, Directory: dir})
	if err != nil {
		r.Fatalf("died", "Export failed: %v", err)
	}
	out.path = filepath.Join(dir, strings.TrimPrefix(digest, "sha256:"))
}
