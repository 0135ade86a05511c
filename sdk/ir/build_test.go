// SPDX-License-Identifier: Apache-2.0

package ir_test

import (
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

// Small constructors, so that a test reads like the build file it stands for.

func w(text string) *irv1.Word { return &irv1.Word{Text: text} }

func ws(texts ...string) []*irv1.Word {
	var out []*irv1.Word
	for _, t := range texts {
		out = append(out, w(t))
	}
	return out
}

// pair reads "key=value" or "key".
func pair(s string) *irv1.Pair {
	k, v, ok := strings.Cut(s, "=")
	p := &irv1.Pair{Key: w(k)}
	if ok {
		p.Value = w(v)
	}
	return p
}

func pairs(list ...string) *irv1.Pairs {
	p := &irv1.Pairs{}
	for _, s := range list {
		p.Pairs = append(p.Pairs, pair(s))
	}
	return p
}

func shell(line string, docs ...*irv1.Heredoc) *irv1.Command {
	return &irv1.Command{Shell: true, Words: ws(line), Heredocs: docs}
}

func exec(argv ...string) *irv1.Command { return &irv1.Command{Words: ws(argv...)} }

func run(line string) *irv1.Step { return runOf(&irv1.Run{Command: shell(line)}) }

func runOf(r *irv1.Run) *irv1.Step {
	return &irv1.Step{Text: "RUN " + r.GetCommand().GetWords()[0].GetText(), Op: &irv1.Step_Run{Run: r}}
}

// mounted is RUN true with a mount, written as in Dockerfile.
func mounted(options string) *irv1.Step {
	m := &irv1.Mount{}
	for o := range strings.SplitSeq(options, ",") {
		m.Options = append(m.Options, pair(o))
	}
	return runOf(&irv1.Run{Command: shell("true"), Mounts: []*irv1.Mount{m}})
}

func env(list ...string) *irv1.Step {
	return &irv1.Step{Text: "ENV " + strings.Join(list, " "), Op: &irv1.Step_Env{Env: pairs(list...)}}
}

func arg(list ...string) *irv1.Step {
	return &irv1.Step{Text: "ARG " + strings.Join(list, " "), Op: &irv1.Step_Arg{Arg: pairs(list...)}}
}

func label(list ...string) *irv1.Step {
	return &irv1.Step{Text: "LABEL " + strings.Join(list, " "), Op: &irv1.Step_Label{Label: pairs(list...)}}
}

func workdir(p string) *irv1.Step {
	return &irv1.Step{Text: "WORKDIR " + p, Op: &irv1.Step_Workdir{Workdir: w(p)}}
}

func user(u string) *irv1.Step { return &irv1.Step{Text: "USER " + u, Op: &irv1.Step_User{User: w(u)}} }

func expose(list ...string) *irv1.Step {
	return &irv1.Step{Text: "EXPOSE", Op: &irv1.Step_Expose{Expose: &irv1.Words{Words: ws(list...)}}}
}

func volume(list ...string) *irv1.Step {
	return &irv1.Step{Text: "VOLUME", Op: &irv1.Step_Volume{Volume: &irv1.Words{Words: ws(list...)}}}
}

func shellIs(list ...string) *irv1.Step {
	return &irv1.Step{Text: "SHELL", Op: &irv1.Step_Shell{Shell: &irv1.Words{Words: ws(list...)}}}
}

func cmd(c *irv1.Command) *irv1.Step {
	return &irv1.Step{Text: "CMD", Op: &irv1.Step_Cmd{Cmd: c}}
}

func entrypoint(c *irv1.Command) *irv1.Step {
	return &irv1.Step{Text: "ENTRYPOINT", Op: &irv1.Step_Entrypoint{Entrypoint: c}}
}

func stopsignal(s string) *irv1.Step {
	return &irv1.Step{Text: "STOPSIGNAL " + s, Op: &irv1.Step_Stopsignal{Stopsignal: w(s)}}
}

func maintainer(s string) *irv1.Step {
	return &irv1.Step{Text: "MAINTAINER " + s, Op: &irv1.Step_Maintainer{Maintainer: w(s)}}
}

func healthcheck(h *irv1.Healthcheck) *irv1.Step {
	return &irv1.Step{Text: "HEALTHCHECK", Op: &irv1.Step_Healthcheck{Healthcheck: h}}
}

func onbuild(s *irv1.Step) *irv1.Step {
	return &irv1.Step{Text: "ONBUILD " + s.Text, Op: &irv1.Step_Onbuild{Onbuild: s}}
}

// copied is COPY with the last path as the destination.
func copied(paths ...string) *irv1.Step { return copyOf(&irv1.Copy{}, paths...) }

func copyFrom(from string, paths ...string) *irv1.Step {
	return copyOf(&irv1.Copy{From: w(from)}, paths...)
}

func copyOf(c *irv1.Copy, paths ...string) *irv1.Step {
	setPaths(c, paths)
	return &irv1.Step{Text: "COPY " + strings.Join(paths, " "), Op: &irv1.Step_Copy{Copy: c}}
}

func addOf(c *irv1.Copy, paths ...string) *irv1.Step {
	setPaths(c, paths)
	return &irv1.Step{Text: "ADD " + strings.Join(paths, " "), Op: &irv1.Step_Add{Add: c}}
}

func setPaths(c *irv1.Copy, paths []string) {
	c.Sources = ws(paths[:len(paths)-1]...)
	c.Destination = w(paths[len(paths)-1])
}

// from is FROM, with "base AS name" or "base".
func from(line string, steps ...*irv1.Step) *irv1.Stage {
	base, name, named := strings.Cut(line, " AS ")
	s := &irv1.Stage{Base: w(base), Steps: steps, Text: "FROM " + line}
	if named {
		s.Name = w(name)
	}
	return s
}

// file is a Dockerfile.
func file(stages ...*irv1.Stage) *irv1.Build { return fileWithArgs(nil, stages...) }

func fileWithArgs(args []*irv1.Step, stages ...*irv1.Stage) *irv1.Build {
	b := &irv1.Build{
		Files: []string{"Dockerfile"},
		Kind:  &irv1.Build_Container{Container: &irv1.Container{Escape: `\`, Args: args, Stages: stages}},
	}
	b.Features = ir.SourceFeatures(b)
	return b
}

// at is a range on one line.
func at(line, column, end uint32) *diagv1.Range {
	return &diagv1.Range{Line: line, Column: column, ColumnUtf16: column, EndLine: line, EndColumn: end, EndColumnUtf16: end}
}

// digestOf is a digest for tests.
func digestOf(c string) string { return "sha256:" + strings.Repeat(c, 64) }

var amd64 = &irv1.Platform{Os: "linux", Architecture: "amd64"}

// images is a set of fetched images for linux/amd64, by full reference.
func images(list map[string]*ir.FetchedImage) map[ir.ImageKey]*ir.FetchedImage {
	out := map[ir.ImageKey]*ir.FetchedImage{}
	for ref, img := range list {
		if img.Digest == "" {
			img.Digest = digestOf("a")
		}
		out[ir.ImageKey{Reference: ref, Platform: "linux/amd64"}] = img
	}
	return out
}

func args(list ...string) []*irv1.KeyValue {
	var out []*irv1.KeyValue
	for _, s := range list {
		k, v, _ := strings.Cut(s, "=")
		out = append(out, &irv1.KeyValue{Key: k, Value: v})
	}
	return out
}
