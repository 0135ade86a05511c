// SPDX-License-Identifier: Apache-2.0

package ir_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

// frozen are the ids that there must always be: backends' manifests, stored
// builds and third parties rely on them.
const frozen = `
add add.checksum add.git add.keep-git-dir add.unpack add.url arg cmd
copy copy.chmod copy.chmod.symbolic copy.chown copy.exclude copy.from copy.from.context copy.from.image copy.from.stage
copy.inline copy.link copy.parents
entrypoint env
exec exec.device exec.env exec.mount exec.mount.bind exec.mount.cache exec.mount.secret exec.mount.secret.env
exec.mount.ssh exec.mount.tmpfs exec.network.host exec.network.none exec.script exec.security.insecure exec.user
expose from.platform healthcheck heredoc label maintainer make-dir onbuild shell stages stopsignal user volume
wasm wasm.assemblyscript wasm.build-args wasm.c wasm.default-features wasm.features wasm.go wasm.package wasm.preview1 wasm.preview2 wasm.profile wasm.program wasm.python wasm.rust wasm.typescript wasm.zig`

func TestKnownFeatures(t *testing.T) {
	list := ir.KnownFeatures()
	var ids []string
	for _, f := range list {
		ids = append(ids, f.ID)
		if !regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*(\.[a-z][a-z0-9]*(-[a-z0-9]+)*)*$`).MatchString(f.ID) {
			t.Errorf("%q is misspelt", f.ID)
		}
		if f.Doc == "" || strings.HasSuffix(f.Doc, ".") || strings.Contains(f.Doc, "\n") {
			t.Errorf("%s: doc %q", f.ID, f.Doc)
		}
		if !f.Source && !f.Resolved {
			t.Errorf("%s is for nothing", f.ID)
		}
	}
	if !slices.IsSorted(ids) || len(slices.Compact(slices.Clone(ids))) != len(ids) {
		t.Error("the list is not sorted and unique")
	}
	if want := strings.Fields(frozen); !slices.Equal(ids, want) {
		t.Errorf("ids are for ever; got\n%q, frozen\n%q", ids, want)
	}
}

// everything uses all source features that one container build can.
func everything() *irv1.Build {
	h := &irv1.Heredoc{Name: "EOF", Content: "#!/bin/sh\nid\n", Expand: true}
	from2 := from("base", run("true"))
	from2.Platform = w("linux/arm64")
	return fileWithArgs([]*irv1.Step{arg("V=1")},
		from("scratch AS base",
			env("A=1"), label("l=1"), user("u"), workdir("/w"), expose("80"), volume("/v"), maintainer("me"),
			stopsignal("TERM"), shellIs("/bin/sh", "-c"), cmd(exec("x")), entrypoint(exec("x")),
			healthcheck(&irv1.Healthcheck{}), onbuild(run("true")),
			runOf(&irv1.Run{Command: shell("<<EOF", h), Network: w("none"), Security: w("insecure"), Devices: ws("gpu"), Env: []*irv1.Pair{pair("X=1")}}),
			runOf(&irv1.Run{Command: shell("x"), Network: w("host")}),
			mounted("target=/x"), mounted("type=cache,target=/x"), mounted("type=tmpfs,target=/x"),
			mounted("type=secret,id=s,env=S"), mounted("type=ssh"),
			copyOf(&irv1.Copy{From: w("x"), Chown: w("1"), Chmod: w("u+x"), Link: w("true"), Parents: w("true"), Exclude: ws("*.o"),
				Inline: []*irv1.Heredoc{h}}, "a", "/b"),
			addOf(&irv1.Copy{Checksum: w("sha256:x"), KeepGitDir: w("true"), Unpack: w("true")}, "https://example.com/x", "git@example.com:x", "/b"),
		), from2)
}

func TestSourceFeatures(t *testing.T) {
	var want []string
	for _, f := range ir.KnownFeatures() {
		if f.Source && !strings.HasPrefix(f.ID, "wasm") {
			want = append(want, f.ID)
		}
	}
	if got := ir.SourceFeatures(everything()); !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	wasm := &irv1.Build{Kind: &irv1.Build_Wasm{Wasm: &irv1.Wasm{Language: w("go"), Target: w("preview1")}}}
	if got := ir.SourceFeatures(wasm); !slices.Equal(got, []string{"wasm", "wasm.go", "wasm.preview1"}) {
		t.Errorf("wasm: %q", got)
	}
	if got := ir.SourceFeatures(&irv1.Build{}); got == nil || len(got) != 0 {
		t.Errorf("empty: %#v", got)
	}
}

// TestSourceFeaturesAreNotGuessed: what hangs on a variable is left open.
func TestSourceFeaturesAreNotGuessed(t *testing.T) {
	b := file(from("scratch", mounted("type=$T,target=/x"), copyOf(&irv1.Copy{Chmod: w("$M")}, "a", "/b")))
	want := []string{"copy", "copy.chmod", "exec", "exec.mount"}
	if got := ir.SourceFeatures(b); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRemoteSources(t *testing.T) {
	tests := map[string]string{
		"a/b":                              "",
		"./git@example.com":                "",
		"https://example.com/x.tar":        "add.url",
		"HTTP://example.com/x":             "add.url",
		"https://example.com/x.git":        "add.git",
		"https://example.com/x.git#v1:sub": "add.git",
		"https://example.com/x.git?ref=v1": "add.git",
		"https://example.com/?x=.git":      "add.url",
		"git://example.com/x":              "add.git",
		"ssh://git@example.com/x":          "add.git",
		"git@example.com:x/y":              "add.git",
		"user.name@example.com:x":          "",
		"host:path":                        "",
		"ftp://example.com/x":              "",
	}
	for source, want := range tests {
		got := ir.SourceFeatures(file(from("scratch", addOf(&irv1.Copy{}, source, "/"))))
		got = slices.DeleteFunc(got, func(id string) bool { return id == "add" })
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q, want %q", source, got, want)
		}
	}
}

func TestUsesSayWhere(t *testing.T) {
	step := mounted("type=ssh")
	step.Range = at(3, 1, 20)
	b := file(from("scratch", workdir("/w"), user("u"), step))
	uses := ir.Uses(mustResolve(t, b, ir.Options{}))
	var got []string
	for _, u := range uses {
		got = append(got, u.ID)
	}
	if want := []string{"make-dir", "exec", "exec.user", "exec.mount.ssh"}; !slices.Equal(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	last := uses[len(uses)-1]
	if last.Stage != 0 || last.Step != 2 || last.Range.GetLine() != 3 || last.Text != "RUN true" {
		t.Errorf("got %+v", last)
	}
}
