// SPDX-License-Identifier: Apache-2.0

package ir_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
	"github.com/zlayer/zlayer/sdk/ir/digest"
)

func TestText(t *testing.T) {
	stage := from("debian:$V AS b", env("A=x y", "B="), copyOf(&irv1.Copy{From: w("x"), Inline: []*irv1.Heredoc{{Name: "f", Content: "1\n2\n", StripTabs: true, Fd: 3}}}, "->", "/"))
	stage.Comment = "the first\nstage"
	m := mounted("type=cache,target=/x,ro")
	m.GetRun().Env = []*irv1.Pair{pair("K=V")}
	m.GetRun().Network = w("none")
	b := fileWithArgs([]*irv1.Step{arg("V", "W=1")}, stage, from("b", m, healthcheck(&irv1.Healthcheck{}), onbuild(user("@u"))))
	want := `container escape="\\"
arg V W=1
  text "ARG V W=1"
# the first
# stage
stage 0 from=debian:$V as=b
  text "FROM debian:$V AS b"
  env A="x y" B=""
    text "ENV A=x y B="
  copy from=x "->" -> /
    text "COPY -> /"
    heredoc f fd=3 strip-tabs
      | "1\n"
      | "2\n"
stage 1 from=b
  text "FROM b"
  run network=none shell true
    text "RUN true"
    mount type=cache target=/x ro
    env K=V
  healthcheck none
    text HEALTHCHECK
  onbuild
    text "ONBUILD USER @u"
    user "@u"
      text "USER @u"
`
	if got := ir.Text(b); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestTextWithRanges(t *testing.T) {
	s := from("scratch")
	s.Range = at(1, 1, 13)
	s.Base.Range = &diagv1.Range{File: 2, Line: 1, Column: 6, ColumnUtf16: 5, EndLine: 2, EndColumn: 3, EndColumnUtf16: 3}
	got := ir.TextWithRanges(file(s))
	if want := "stage 0 from=scratch @file2:1:6-2:3(5-3) @1:1-1:13\n"; !strings.Contains(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
	if strings.Contains(ir.Text(file(s)), "@") {
		t.Error("Text has ranges")
	}
}

// TestTextIsInjective: builds that differ print differently.
func TestTextIsInjective(t *testing.T) {
	list := []*irv1.Build{
		file(from("a")), file(from("a AS b")), file(from("a as=b")), file(from(`a" as="b`)),
		file(from("a", run("x"))), file(from("a", runOf(&irv1.Run{Command: exec("x")}))), file(from("a", runOf(&irv1.Run{Command: exec("shell", "x")}))),
		file(from("a", env("A=1", "B=2"))), file(from("a", env("A=1"), env("B=2"))), file(from("a", env("A=1 B=2"))),
		file(from("a", copied("a", "b", "c"))), file(from("a", copied("a b", "c"))), file(from("a", copied("a", "->", "c"))),
		file(from("a", arg("X"))), file(from("a", arg("X="))),
		file(from("a", copyOf(&irv1.Copy{Link: w("")}, "a", "b"))), file(from("a", copyOf(&irv1.Copy{}, "a", "b"))),
	}
	seen := map[string]int{}
	for i, b := range list {
		text := ir.Text(b)
		for _, s := range b.GetContainer().Stages {
			s.Text = ""
		}
		if j, ok := seen[text]; ok {
			t.Errorf("builds %d and %d print the same:\n%s", i, j, text)
		}
		seen[text] = i
	}
}

func TestWalk(t *testing.T) {
	b := fileWithArgs([]*irv1.Step{arg("V=1")}, from("a AS b", copied("x", "y"), onbuild(mounted("target=/x"))))
	var paths []string
	ir.Walk(b, func(path string, node any) bool {
		paths = append(paths, path)
		_, isMount := node.(*irv1.Mount)
		return !isMount
	})
	want := strings.Fields(`"" container container.args[0] container.args[0].arg container.args[0].arg.pairs[0]
		container.args[0].arg.pairs[0].key container.args[0].arg.pairs[0].value
		container.stages[0] container.stages[0].base container.stages[0].name
		container.stages[0].steps[0] container.stages[0].steps[0].copy container.stages[0].steps[0].copy.sources[0]
		container.stages[0].steps[0].copy.destination
		container.stages[0].steps[1] container.stages[0].steps[1].onbuild container.stages[0].steps[1].onbuild.run
		container.stages[0].steps[1].onbuild.run.command container.stages[0].steps[1].onbuild.run.command.words[0]
		container.stages[0].steps[1].onbuild.run.mounts[0]`)
	want[0] = ""
	if !slices.Equal(paths, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(paths, "\n"), strings.Join(want, "\n"))
	}
}

func TestDigest(t *testing.T) {
	a, b := everything(), everything()
	for i, s := range b.GetContainer().Stages {
		s.Range, s.Base.Range, s.Comment = at(uint32(i+1), 1, 5), at(uint32(i+1), 1, 5), "hello"
	}
	b.GetContainer().Stages[0].Steps[0].Comment = "hello"
	b.Files = []string{"elsewhere/Dockerfile"}
	before := ir.TextWithRanges(b)
	if digest.Source(a) != digest.Source(b) {
		t.Error("ranges, comments or file names count")
	}
	if ir.TextWithRanges(b) != before {
		t.Error("digest.Source changed the build")
	}
	b.GetContainer().Stages[0].Steps[0] = env("A=2")
	if digest.Source(a) == digest.Source(b) {
		t.Error("a value does not count")
	}

	x, y := resolved(t), resolved(t)
	y.GetContainer().Stages[0].Range = at(1, 1, 5)
	y.GetContainer().Stages[0].Steps[0].Range = at(2, 1, 5)
	if digest.Resolved(x) != digest.Resolved(y) {
		t.Error("ranges count")
	}
	y.GetContainer().Images[0].Digest = digestOf("f")
	if digest.Resolved(x) == digest.Resolved(y) || !strings.HasPrefix(digest.Resolved(x), "sha256:") {
		t.Error("the digest of an image does not count")
	}
}

func TestInputs(t *testing.T) {
	o := ir.Options{
		Images:   images(map[string]*ir.FetchedImage{"docker.io/library/img:latest": {}}),
		Contexts: []ir.NamedContext{{Name: "ctx"}, {Name: "other"}},
	}
	parents := copyOf(&irv1.Copy{Parents: w("true"), Exclude: ws("*.o")}, "a/./**/b", "x", "/")
	b := mustResolve(t, file(from("img AS a", run("x"), copied("a*", "b/", "/y")),
		from("a", mounted("source=a*,target=/x"), mounted("type=cache,target=/x,from=ctx"), mounted("type=cache,target=/c"),
			mounted("from=img,target=/i"), copyFrom("a", "x", "/y"), copyFrom("other", ".", "/y"), parents,
			addOf(&irv1.Copy{}, "https://example.com/x", "t.tar", "/"), addOf(&irv1.Copy{}, "https://example.com/x", "/"),
			copyOf(&irv1.Copy{Inline: []*irv1.Heredoc{{Name: "f"}}}, "/f"))), o)
	type read struct {
		context     int
		paths       string
		glob, deep  bool
		stage, step int
	}
	want := []read{
		{0, "a* b", true, false, 0, 1},
		{0, "a*", false, false, 1, 0},
		{1, ".", false, false, 1, 1},
		{2, ".", true, false, 1, 5},
		{0, "a/**/b x", true, true, 1, 6},
		{0, "t.tar", true, false, 1, 7},
	}
	var got []read
	for _, in := range ir.Inputs(b) {
		got = append(got, read{in.Context, strings.Join(in.Paths, " "), in.Glob, in.Deep, in.Stage, in.Step})
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	wasm := &irv1.ResolvedBuild{Kind: &irv1.ResolvedBuild_Wasm{Wasm: &irv1.ResolvedWasm{}}}
	if in := ir.Inputs(wasm); len(in) != 1 || in[0].Paths[0] != "." {
		t.Errorf("wasm: %v", in)
	}
}
