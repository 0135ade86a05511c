// SPDX-License-Identifier: Apache-2.0

package ir_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

func quoteAll(list []string) string {
	var out []string
	for _, s := range list {
		out = append(out, strconv.Quote(s))
	}
	return strings.Join(out, " ")
}

// lineOf returns the line of a resolved build's text that starts with a word.
func lineOf(b *irv1.ResolvedBuild, word string) string {
	for line := range strings.Lines(ir.TextResolved(b)) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, word+" ") {
			return strings.TrimPrefix(line, word+" ")
		}
	}
	return ""
}

func TestResolveMounts(t *testing.T) {
	tests := []struct{ options, want string }{
		{"target=/x", "bind target=/x from=context:0 source=. readonly"},
		{"type=bind,source=a/../b/,target=rel,rw", "bind target=/w/rel from=context:0 source=b"},
		{"type=bind,src=/a,dst=/x,readwrite=false", "bind target=/x from=context:0 source=a readonly"},
		{"TYPE=Bind,destination=$T,from=base", "bind target=/t from=stage:0 source=. readonly"},
		{"from=img,target=/x,source=/etc", "bind target=/x from=image:0 source=etc readonly"},
		{"type=cache,target=/c/", "cache target=/c id=/c mode=0755"},
		{"type=cache,target=c,id=$T,sharing=LOCKED,mode=0700,uid=1,gid=2,ro", "cache target=/w/c id=/t sharing=locked readonly mode=0700 uid=1 gid=2"},
		{"type=cache,target=/c,from=base,source=x,sharing=private", "cache target=/c from=stage:0 source=x id=/c sharing=private mode=0755"},
		{"type=cache,target=/c,mode=0", "cache target=/c id=/c"},
		{"type=tmpfs,target=/x", "tmpfs target=/x"},
		{"type=tmpfs,target=/x,size=64m", "tmpfs target=/x size=67108864"},
		{"type=tmpfs,target=/x,size=1.5KiB", "tmpfs target=/x size=1536"},
		{"type=tmpfs,target=/x,size=10b", "tmpfs target=/x size=10"},
		{"type=secret,id=s", "secret target=/run/secrets/s id=s readonly mode=0400"},
		{"type=secret,source=a/s,required", "secret target=/run/secrets/s id=a/s readonly required mode=0400"},
		{"type=secret,target=/etc/key,mode=0440", "secret target=/etc/key id=key readonly mode=0440"},
		{"type=secret,id=s,env=S", "secret id=s readonly mode=0400 env=S"},
		{"type=secret,id=s,env=S,target=/x,required=true", "secret target=/x id=s readonly required mode=0400 env=S"},
		{"type=ssh", "ssh target=/run/buildkit/ssh_agent.0 id=default readonly mode=0600"},
		{"type=ssh,id=k,target=/s,uid=5,required=1", "ssh target=/s id=k readonly required mode=0600 uid=5"},
	}
	o := ir.Options{Images: images(map[string]*ir.FetchedImage{"docker.io/library/img:latest": {}})}
	for _, test := range tests {
		b := file(from("scratch AS base"), from("scratch", env("T=/t"), workdir("/w"), mounted(test.options)))
		if got := lineOf(mustResolve(t, b, o), "mount"); got != test.want {
			t.Errorf("%s:\ngot  %s\nwant %s", test.options, got, test.want)
		}
	}
}

func TestResolveAgentSocket(t *testing.T) {
	x := lastExec(mustResolve(t, file(from("scratch", mounted("type=ssh"))), ir.Options{}))
	if got := x.Env[len(x.Env)-1]; got != "SSH_AUTH_SOCK=/run/buildkit/ssh_agent.0" {
		t.Errorf("got %q", got)
	}
}

func TestResolveCopy(t *testing.T) {
	doc := &irv1.Heredoc{Name: "f", Content: "\"$A\" \\$A `x\n", Expand: true}
	quoted := &irv1.Heredoc{Name: "f", Content: "$A\n"}
	sum := digestOf("1")
	tests := []struct {
		name string
		step *irv1.Step
		want string
	}{
		{"relative", copied("a", "/b/../c/", "d"), "copy from=context:0 a c -> /w/d"},
		{"slash", copied("a", "d/"), "copy from=context:0 a -> /w/d/"},
		{"dot", copied(".", "."), "copy from=context:0 . -> /w/"},
		{"root", copied("/", "/"), "copy from=context:0 . -> /"},
		{"slash dot", copied("a", "/x/."), "copy from=context:0 a -> /x/"},
		{"variables and globs", copied("$A*", "'$A'"), "copy from=context:0 1* -> /w/$A"},
		{"empty destination", copied("a", "$NONE"), "copy from=context:0 a -> /w/"},
		{"flags", copyOf(&irv1.Copy{Chown: w("$A:$A"), Chmod: w("0755"), Link: w("true"), Parents: w("false"), Exclude: ws("$A")}, "a", "/b"),
			"copy from=context:0 chown=1:1 chmod=0755 link exclude=$A a -> /b"},
		{"pivot", copyOf(&irv1.Copy{Parents: w("true")}, "/x//y/./z/../q", "/b"), "copy from=context:0 parents x/y/./q -> /b"},
		{"stage by name", copyFrom("BASE", "a", "/b"), "copy from=stage:0 a -> /b"},
		{"stage by number", copyFrom("0", "a", "/b"), "copy from=stage:0 a -> /b"},
		{"image", copyFrom("img", "a", "/b"), "copy from=image:0 a -> /b"},
		{"context", copyFrom("ctx", "a", "/b"), "copy from=context:1 a -> /b"},
		{"scratch", copyFrom("scratch", "a", "/b"), "copy from=scratch a -> /b"},
		{"add", addOf(&irv1.Copy{Unpack: w("false")}, "a.tar", "/b"), "add from=context:0 unpack=never a.tar -> /b"},
		{"add url", addOf(&irv1.Copy{Checksum: w(sum)}, "https://example.com/../x", "/b"),
			"add from=context:0 checksum=" + sum + " https://example.com/../x -> /b"},
		{"add git", addOf(&irv1.Copy{KeepGitDir: w("true")}, "git@example.com:x/y.git#v1", "/b"),
			"add from=context:0 keep-git-dir git@example.com:x/y.git#v1 -> /b"},
		{"symbolic mode", copyOf(&irv1.Copy{Chmod: w("u=rwX,go=rX")}, "a", "/b"), `copy from=context:0 chmod="u=rwX,go=rX" a -> /b`},
	}
	o := ir.Options{
		Images:   images(map[string]*ir.FetchedImage{"docker.io/library/img:latest": {}}),
		Contexts: []ir.NamedContext{{Name: "ctx"}},
	}
	for _, test := range tests {
		word := strings.ToLower(strings.Fields(test.step.Text)[0])
		b := file(from("scratch AS base"), from("scratch", env("A=1"), workdir("/w"), test.step))
		if got := lineOf(mustResolve(t, b, o), word); word+" "+got != test.want {
			t.Errorf("%s:\ngot  %s\nwant %s", test.name, word+" "+got, test.want)
		}
	}
	for _, test := range []struct {
		doc  *irv1.Heredoc
		want string
	}{{doc, "\"1\" $A `x\n"}, {quoted, "$A\n"}} {
		step := copyOf(&irv1.Copy{Inline: []*irv1.Heredoc{test.doc}}, "/f")
		b := mustResolve(t, file(from("scratch", env("A=1"), step)), ir.Options{})
		inline := target(b).Steps[1].GetTransfer().Inline
		if len(inline) != 1 || inline[0].Name != "f" || string(inline[0].Content) != test.want {
			t.Errorf("inline %+v, want %q", inline, test.want)
		}
	}
}

func TestResolveBackquote(t *testing.T) {
	b := file(from("scratch", env("A=1"), env("B=C:\\x`$A$A")))
	b.GetContainer().Escape = "`"
	if got := target(mustResolve(t, b, ir.Options{})).Config.Env[2]; got != `B=C:\x$A1` {
		t.Errorf("got %q", got)
	}
}

func TestResolveNamedContexts(t *testing.T) {
	img := map[string]*ir.FetchedImage{
		"docker.io/library/other:1":    {Config: &irv1.ImageConfig{Env: []string{"FROM=other"}}},
		"docker.io/library/alpine:3.2": {Config: &irv1.ImageConfig{Env: []string{"FROM=alpine"}}},
	}
	o := ir.Options{Images: images(img)}
	first := func(b *irv1.Build, contexts ...ir.NamedContext) string {
		t.Helper()
		o.Contexts = contexts
		return target(mustResolve(t, b, o)).Config.Env[0]
	}
	alpine := file(from("alpine:3.2"))
	if got := first(alpine); got != "FROM=alpine" {
		t.Errorf("plain: %s", got)
	}
	if got := first(alpine, ir.NamedContext{Name: "docker.io/library/alpine:3.2", Image: "other:1"}); got != "FROM=other" {
		t.Errorf("an image replaced by its full name: %s", got)
	}
	staged := file(from("alpine:3.2 AS base"), from("base"))
	if got := first(staged, ir.NamedContext{Name: "base", Image: "other:1"}); got != "FROM=other" {
		t.Errorf("a stage replaced: %s", got)
	}
	o.Contexts = []ir.NamedContext{{Name: "base"}}
	b := mustResolve(t, file(from("nowhere AS base", run("x")), from("scratch", copyFrom("base", "a", "/a"))), o)
	if got := ir.TextResolved(b); !strings.Contains(got, "copy from=context:1 a -> /a") || strings.Contains(got, "nowhere") {
		t.Errorf("a stage replaced by a folder:\n%s", got)
	}
}

func TestResolveTarget(t *testing.T) {
	b := file(from("scratch AS a", env("X=a")), from("scratch AS B", env("X=b")), from("scratch", env("X=c")))
	for name, want := range map[string]string{"": "c", "a": "a", "A": "a", "b": "b", "0": "a", "2": "c"} {
		got := target(mustResolve(t, b, ir.Options{Target: name})).Config.Env[1]
		if got != "X="+want {
			t.Errorf("target %q: %s, want %s", name, got, want)
		}
	}
}

func TestResolvePlatforms(t *testing.T) {
	arm := &irv1.Platform{Os: "linux", Architecture: "arm64"}
	o := ir.Options{TargetPlatform: arm, Images: map[ir.ImageKey]*ir.FetchedImage{
		{Reference: "docker.io/library/go:1", Platform: "linux/amd64"}:     {Digest: digestOf("1")},
		{Reference: "docker.io/library/debian:1", Platform: "linux/arm64"}: {Digest: digestOf("2")},
	}}
	build := from("go:1 AS build", run("x"))
	build.Platform = w("$BUILDPLATFORM")
	b := mustResolve(t, file(build, from("debian:1", copyFrom("build", "a", "/a")), from("build AS child", copyFrom("1", "a", "/a"))), o)
	var got []string
	for _, s := range b.GetContainer().Stages {
		got = append(got, ir.FormatPlatform(s.Platform))
	}
	if strings.Join(got, " ") != "linux/amd64 linux/arm64 linux/amd64" {
		t.Errorf("got %q", got)
	}
}

func TestResolveWasm(t *testing.T) {
	b := &irv1.Build{Files: []string{"ZImagefile"}, Kind: &irv1.Build_Wasm{Wasm: &irv1.Wasm{Output: w("out/x.wasm"), Labels: []*irv1.Pair{pair("a=$b")}}}}
	b.Features = ir.SourceFeatures(b)
	if got := findings(ir.Resolve(b, ir.Options{}).Diagnostics); !strings.Contains(got, "error unknown-language") {
		t.Errorf("without a language: %s", got)
	}
	got := ir.TextResolved(mustResolve(t, b, ir.Options{Language: "go"}))
	want := "features wasm.go wasm.preview1\nwasm language=go target=preview1 output=out/x.wasm\n  label a=$b\n"
	if got != want {
		t.Errorf("got %s", got)
	}
}
