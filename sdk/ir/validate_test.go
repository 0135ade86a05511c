// SPDX-License-Identifier: Apache-2.0

package ir_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

func TestValidate(t *testing.T) {
	if err := ir.Validate(everything()); err != nil {
		t.Fatal(err)
	}
	stage := func(b *irv1.Build) *irv1.Stage { return b.GetContainer().Stages[0] }
	step := func(b *irv1.Build, name string) *irv1.Step {
		i := slices.IndexFunc(stage(b).Steps, func(s *irv1.Step) bool { return strings.HasPrefix(s.Text, name) })
		return stage(b).Steps[i]
	}
	tests := []struct {
		name   string
		change func(*irv1.Build)
		want   string
	}{
		{"kind", func(b *irv1.Build) { b.Kind = nil }, ": kind is not set"},
		{"op", func(b *irv1.Build) { step(b, "ENV").Op = nil }, "container.stages[0].steps[0]: op is not set"},
		{"files", func(b *irv1.Build) { b.Files = nil }, "files: it names no file"},
		{"feature unknown", func(b *irv1.Build) { b.Features = append(b.Features, "vendor.example/x") }, `features: "vendor.example/x" is not a known feature`},
		{"feature missing", func(b *irv1.Build) { b.Features = b.Features[1:] }, "features: it does not list exactly"},
		{"feature of backends", func(b *irv1.Build) { b.Features = append(b.Features, "exec.user") }, `"exec.user" is not a known feature of a source build`},
		{"escape", func(b *irv1.Build) { b.GetContainer().Escape = "" }, "container.escape"},
		{"no stage", func(b *irv1.Build) { b.GetContainer().Stages = nil }, "features"},
		{"args", func(b *irv1.Build) { b.GetContainer().Args[0] = env("A=1") }, "features"},
		{"base", func(b *irv1.Build) { stage(b).Base = nil }, "container.stages[0].base: it is missing"},
		{"name", func(b *irv1.Build) { stage(b).Name.Text = "" }, "container.stages[0].name: it is empty"},
		{"step missing", func(b *irv1.Build) { stage(b).Steps = append(stage(b).Steps, nil) }, "container.stages[0].steps[22]: it is missing"},
		{"command missing", func(b *irv1.Build) { step(b, "RUN x").GetRun().Command = nil }, "container.stages[0].steps[14].run.command: it is missing"},
		{"shell form of two words", func(b *irv1.Build) { c := step(b, "RUN x").GetRun().Command; c.Words = append(c.Words, w("y")) }, "the shell form is not exactly one word"},
		{"empty exec form", func(b *irv1.Build) { step(b, "RUN x").GetRun().Command = exec() }, "run.command: it is empty"},
		{"heredoc in exec form", func(b *irv1.Build) {
			step(b, "RUN x").GetRun().Command = &irv1.Command{Words: ws("x"), Heredocs: []*irv1.Heredoc{{Name: "E"}}}
		}, "the exec form has here-documents"},
		{"heredoc without line end", func(b *irv1.Build) { step(b, "RUN <<").GetRun().Command.Heredocs[0].Content = "x" }, "run.command.heredocs[0].content: its last line has no end"},
		{"heredoc in CMD", func(b *irv1.Build) { step(b, "CMD").GetCmd().Heredocs = []*irv1.Heredoc{{Name: "E"}} }, "container.stages[0].steps[9].cmd"},
		{"value missing", func(b *irv1.Build) { step(b, "ENV").GetEnv().Pairs[0].Value = nil }, "container.stages[0].steps[0].env"},
		{"key missing", func(b *irv1.Build) { step(b, "LABEL").GetLabel().Pairs[0].Key = nil }, "container.stages[0].steps[1].label"},
		{"empty list", func(b *irv1.Build) { step(b, "EXPOSE").GetExpose().Words = nil }, "expose: it is empty"},
		{"missing word", func(b *irv1.Build) { step(b, "VOLUME").GetVolume().Words[0] = nil }, "volume: an element is missing"},
		{"missing operand", func(b *irv1.Build) { step(b, "USER").Op = &irv1.Step_User{} }, "user: it is missing"},
		{"destination", func(b *irv1.Build) { step(b, "COPY").GetCopy().Destination = nil }, "copy.destination: it is missing"},
		{"no source", func(b *irv1.Build) { c := step(b, "COPY").GetCopy(); c.Sources, c.Inline = nil, nil }, "copy.sources: it is empty"},
		{"COPY --checksum", func(b *irv1.Build) { step(b, "COPY").GetCopy().Checksum = w("x") }, ".copy: "},
		{"ADD --from", func(b *irv1.Build) { step(b, "ADD").GetAdd().From = w("x") }, ".add: "},
		{"options of NONE", func(b *irv1.Build) { step(b, "HEALTH").GetHealthcheck().Retries = w("1") }, "healthcheck: it has options but no test"},
		{"onbuild of onbuild", func(b *irv1.Build) { step(b, "ONBUILD").Op = onbuild(onbuild(run("x"))).Op }, "onbuild.onbuild: it cannot be a trigger"},
		{"onbuild of maintainer", func(b *irv1.Build) { step(b, "ONBUILD").Op = onbuild(maintainer("x")).Op }, "onbuild.maintainer: it cannot be a trigger"},
		{"empty onbuild", func(b *irv1.Build) { step(b, "ONBUILD").Op = &irv1.Step_Onbuild{} }, "onbuild"},
		{"range of no file", func(b *irv1.Build) {
			stage(b).Range = &diagv1.Range{File: 1, Line: 1, Column: 1, ColumnUtf16: 1, EndLine: 2, EndColumn: 1, EndColumnUtf16: 1}
		}, "container.stages[0].range: its file"},
		{"range backwards", func(b *irv1.Build) { stage(b).Base.Range = at(1, 5, 4) }, "container.stages[0].base.range: it ends before it starts"},
		{"column 0", func(b *irv1.Build) { stage(b).Base.Range = at(1, 0, 4) }, "container.stages[0].base.range: columns count from 1"},
	}
	for _, test := range tests {
		b := everything()
		test.change(b)
		err := ir.Validate(b)
		var invalid *ir.InvalidError
		if !errors.As(err, &invalid) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
	if ir.Validate(nil) == nil {
		t.Error("nil is valid")
	}
}

// TestValidateUnknownField: the IR is closed on the wire.
func TestValidateUnknownField(t *testing.T) {
	data, err := file(from("scratch")).MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	b := &irv1.Build{}
	if err := b.UnmarshalVT(append(data, 0xf8, 0x3f, 1)); err != nil {
		t.Fatal(err)
	}
	if err := ir.Validate(b); err == nil || !strings.Contains(err.Error(), "unknown field") {
		t.Errorf("got %v", err)
	}
}

// resolved is a resolved build with something of everything.
func resolved(t *testing.T) *irv1.ResolvedBuild {
	t.Helper()
	o := ir.Options{Images: images(map[string]*ir.FetchedImage{"docker.io/library/img:latest": {}}), Contexts: []ir.NamedContext{{Name: "ctx"}}}
	secret := mounted("type=secret,id=s,env=S")
	return mustResolve(t, file(
		from("img AS a", run("x"), copyFrom("ctx", "x", "/y")),
		from("a", mounted("from=img,target=/x,source=a"), secret, copyFrom("a", "x", "/y"), workdir("/w"), label("a=1", "b=2"), expose("1", "2")),
	), o)
}

func TestValidateResolved(t *testing.T) {
	stage := func(b *irv1.ResolvedBuild) *irv1.ResolvedStage { return b.GetContainer().Stages[1] }
	bind := func(b *irv1.ResolvedBuild) *irv1.Exec { return stage(b).Steps[0].GetExec() }
	transfer := func(b *irv1.ResolvedBuild) *irv1.Transfer { return stage(b).Steps[2].GetTransfer() }
	tests := []struct {
		name   string
		change func(*irv1.ResolvedBuild)
		want   string
	}{
		{"kind", func(b *irv1.ResolvedBuild) { b.Kind = nil }, "kind is not set"},
		{"features", func(b *irv1.ResolvedBuild) { b.Features = b.Features[1:] }, "features: it does not list"},
		{"unknown feature", func(b *irv1.ResolvedBuild) { b.Features = append(b.Features, "zap") }, `"zap" is not a known feature`},
		{"digest", func(b *irv1.ResolvedBuild) { b.GetContainer().Images[0].Digest = "sha256:1" }, "container.images[0].digest"},
		{"reference", func(b *irv1.ResolvedBuild) { b.GetContainer().Images[0].Reference = "img" }, "container.images[0].reference"},
		{"contexts", func(b *irv1.ResolvedBuild) { b.GetContainer().Contexts = nil }, "container.contexts"},
		{"context twice", func(b *irv1.ResolvedBuild) { c := b.GetContainer(); c.Contexts = append(c.Contexts, "ctx") }, "container.contexts[2]: it is there twice"},
		{"base", func(b *irv1.ResolvedBuild) { stage(b).Base.Index = 1 }, "container.stages[1].base: its index"},
		{"base kind", func(b *irv1.ResolvedBuild) { stage(b).Base.Kind = 0 }, "container.stages[1].base: its kind"},
		{"context as base", func(b *irv1.ResolvedBuild) { stage(b).Base = &irv1.Input{Kind: irv1.InputKind_INPUT_KIND_CONTEXT} }, "a context cannot be a base"},
		{"platform", func(b *irv1.ResolvedBuild) { stage(b).Platform = nil }, "container.stages[1].platform"},
		{"config", func(b *irv1.ResolvedBuild) { stage(b).Config = nil }, "container.stages[1].config: it is missing"},
		{"labels", func(b *irv1.ResolvedBuild) { slices.Reverse(stage(b).Config.Labels) }, "config.labels"},
		{"ports", func(b *irv1.ResolvedBuild) { slices.Reverse(stage(b).Config.ExposedPorts) }, "config.exposed_ports"},
		{"env", func(b *irv1.ResolvedBuild) { stage(b).Config.Env = []string{"A=1", "A=2"} }, "config.env[1]: its key is there twice"},
		{"argv", func(b *irv1.ResolvedBuild) { bind(b).Argv = nil }, "steps[0].exec.argv: it is empty"},
		{"workdir", func(b *irv1.ResolvedBuild) { bind(b).Workdir = "x" }, "exec.workdir"},
		{"mount kind", func(b *irv1.ResolvedBuild) { bind(b).Mounts[0].Kind = 0 }, "features"},
		{"mount target", func(b *irv1.ResolvedBuild) { bind(b).Mounts[0].Target = "/x/" }, "exec.mounts[0].target"},
		{"mount source", func(b *irv1.ResolvedBuild) { bind(b).Mounts[0].Source = "/a" }, "exec.mounts[0].source"},
		{"mount from", func(b *irv1.ResolvedBuild) { bind(b).Mounts[0].From = nil }, "exec.mounts[0].from: it is missing"},
		{"mount of nothing", func(b *irv1.ResolvedBuild) { bind(b).Mounts[0].From.Index = 9 }, "exec.mounts[0].from: its index"},
		{"destination", func(b *irv1.ResolvedBuild) { transfer(b).Destination = "y" }, "steps[2].transfer.destination"},
		{"source", func(b *irv1.ResolvedBuild) { transfer(b).Sources[0] = "../x" }, "transfer.sources[0]"},
		{"source not clean", func(b *irv1.ResolvedBuild) { transfer(b).Sources[0] = "x/" }, "transfer.sources[0]"},
		{"a later stage", func(b *irv1.ResolvedBuild) { transfer(b).From.Index = 1 }, "transfer.from: its index points at nothing earlier"},
		{"unreachable", func(b *irv1.ResolvedBuild) {
			stage(b).Base = &irv1.Input{Kind: irv1.InputKind_INPUT_KIND_SCRATCH}
			transfer(b).From = &irv1.Input{Kind: irv1.InputKind_INPUT_KIND_CONTEXT}
			b.Features = ir.Features(b)
		}, "container.stages[0]: the target does not need it"},
		{"make-dir", func(b *irv1.ResolvedBuild) { stage(b).Steps[3].GetMakeDir().Path = "/w/" }, "make_dir.path"},
	}
	for _, test := range tests {
		b := resolved(t)
		test.change(b)
		if err := ir.ValidateResolved(b); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
}
