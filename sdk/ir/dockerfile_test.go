// SPDX-License-Identifier: Apache-2.0

package ir_test

import (
	"strings"
	"testing"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

func TestDockerfile(t *testing.T) {
	platform := from("debian:$V AS b",
		env("A=x", `B="y z"`), env("C=old style"), label(`"k k"=v`), arg("X", "Y=1"),
		workdir("/a b"), user("u"), stopsignal("9"), maintainer("me <a@b>"),
		expose("80", "$P"), volume("/a", "/b"), volume("/a b"), shellIs("bash", `-"c"`),
		cmd(shell("run  it")), cmd(exec("a", "b\n\t\"")), entrypoint(exec()),
		healthcheck(&irv1.Healthcheck{}), healthcheck(&irv1.Healthcheck{Test: shell("x"), Interval: w("1s"), Retries: w("2")}),
		onbuild(copied("a", "b")))
	platform.Platform = w("linux/arm64")
	platform.Comment = "the base"
	mounts := runOf(&irv1.Run{Command: shell("cat <<A", &irv1.Heredoc{Name: "A", Content: "1\n\n2\n", Expand: true}), Network: w("none"),
		Mounts: []*irv1.Mount{{Options: []*irv1.Pair{pair("type=bind"), pair("source=a,b"), pair("target=/x y"), pair("ro")}}}})
	b := fileWithArgs([]*irv1.Step{arg("V=1")}, platform, from("b", mounts, run("-- x"), run("--x"),
		copyOf(&irv1.Copy{From: w("b"), Chown: w(`a"b`), Link: w("true"), Exclude: ws("*.o", "b c")}, "a", "b"),
		copied("a b", "/"), copied("[x", "/"),
		addOf(&irv1.Copy{Inline: []*irv1.Heredoc{{Name: "f", Content: "$x\n"}, {Name: "g", Expand: true, StripTabs: true}}}, "a", "/"),
	))
	want := `ARG V=1

# the base
FROM --platform=linux/arm64 debian:$V AS b
ENV A=x B="y z"
ENV C old style
LABEL "k k"=v
ARG X Y=1
WORKDIR /a b
USER u
STOPSIGNAL 9
MAINTAINER me <a@b>
EXPOSE 80 $P
VOLUME /a /b
VOLUME ["/a b"]
SHELL ["bash", "-\"c\""]
CMD run  it
CMD ["a", "b\n\t\""]
ENTRYPOINT []
HEALTHCHECK NONE
HEALTHCHECK --interval=1s --retries=2 CMD x
ONBUILD COPY a b

FROM b
RUN --mount=type=bind,\"source=a,b\",target=/x\ y,ro --network=none cat <<A
1

2
A
RUN -- -- x
RUN -- --x
COPY --from=b --chown=a\"b --link=true --exclude=*.o --exclude=b\ c a b
COPY ["a b", "/"]
COPY ["[x", "/"]
ADD a <<"f" <<-g /
$x
f
g
`
	got, diagnostics := ir.Dockerfile(b)
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if len(diagnostics) > 0 {
		t.Error(findings(diagnostics))
	}
}

func TestDockerfileBackquote(t *testing.T) {
	b := file(from("scratch", copied(`C:\a`, `D:\`)))
	b.GetContainer().Escape = "`"
	if got, _ := ir.Dockerfile(b); got != "# escape=`\n\nFROM scratch\nCOPY C:\\a D:\\\n" {
		t.Errorf("got %q", got)
	}
}

// What Dockerfile cannot say is refused, what one can is not.
func TestDockerfileLookalikes(t *testing.T) {
	for _, command := range []string{`[ "$a" = "b" ]`, `[ 1 -lt 2 ]`, `echo "a << b"`, `cat <<<x`, `echo $((1<<2))`, `${x^^} <<EOF`, `["a", ]`, `[1 2]`} {
		got, diagnostics := ir.Dockerfile(file(from("scratch", run(command))))
		if want := "FROM scratch\nRUN " + command + "\n"; got != want || len(diagnostics) > 0 {
			t.Errorf("%s: got %q, %s", command, got, findings(diagnostics))
		}
	}
	for _, command := range []string{`["a"]`, `[1, -0.5e+3]`, `[[], {"a": null}]`, `[ ]`, `cat 3<<-"EOF"`, `x <<` + "`a`", `cat << EOF`} {
		if got, diagnostics := ir.Dockerfile(file(from("scratch", run(command)))); len(diagnostics) == 0 {
			t.Errorf("%s: got %q", command, got)
		}
	}
}

func TestSourceTexts(t *testing.T) {
	transient := run("x")
	transient.GetRun().Env = []*irv1.Pair{pair("A=1")}
	for want, step := range map[string]*irv1.Step{
		"RUN A=1 x":            transient,
		"RUN <<EOF\na\nb\nEOF": runOf(&irv1.Run{Command: shell("<<EOF", &irv1.Heredoc{Name: "EOF", Content: "a\nb\n", Expand: true})}),
		`VOLUME ["/a b"]`:      volume("/a b"),
		"CMD a\nb":             cmd(shell("a\nb")),
	} {
		if got := ir.StepText(step); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	s := from("debian AS b")
	s.Platform = w("linux/arm64")
	if got := ir.StageText(s); got != "FROM --platform=linux/arm64 debian AS b" {
		t.Errorf("got %q", got)
	}
}

func TestDockerfileCannotSay(t *testing.T) {
	transient := run("x")
	transient.GetRun().Env = []*irv1.Pair{pair("A=1")}
	tests := []struct {
		name string
		step *irv1.Step
		want string
	}{
		{"line break before a command", run("#!/bin/x\nb"), "a line break inside an instruction (use a here-document"},
		{"line break in a command", run("a\nb"), "a line break inside an instruction (use a here-document"},
		{"blanks without quotes", label("a=b c", "d=e"), `the value "b c", whose blanks are outside of quotes`},
		{"Unicode's blanks", env("A=\u00a0 b"), `the value "\u00a0 b" here`},
		{"a flag that is no truth value", copyOf(&irv1.Copy{Link: w("TRUE")}, "a", "b"), `"TRUE" as a value of --link`},
		{"an empty flag", copyOf(&irv1.Copy{From: w("")}, "a", "b"), "an empty --from"},
		{"an empty volume", volume(" "), "a volume whose path is empty"},
		{"tabs in a heredoc without", copyOf(&irv1.Copy{Inline: []*irv1.Heredoc{{Name: "f", Content: "\tx\n", StripTabs: true}}}, "/"), "a here-document without leading tabs that has them"},
		{"NUL", run("a\x00"), "bytes that are no UTF-8 text"},
		{"line break in a value", env("A=\"b\nc\""), "a line break inside an instruction"},
		{"transient variables", transient, `variables of a single RUN (set them in the command line`},
		{"escape at the end", run(`a \`), "an instruction that ends in the escape character"},
		{"blanks in a port", expose("80 81"), `the word "80 81" here`},
		{"blanks at an end", workdir("/a "), `the value "/a " here`},
		{"open quotes in one value of several", env(`A="b c`, "D=e"), `the value "\"b c", whose blanks are outside of quotes or whose quotes do not close`},
		{"stray <<", run("cat <<EOF"), `a command whose "<<" are not its here-documents`},
		{"JSON as a shell command", run(`["a"]`), "a shell command that is a JSON array"},
		{"heredoc with its own name", copyOf(&irv1.Copy{Inline: []*irv1.Heredoc{{Name: "f", Content: "f\n"}}}, "/"), "a here-document that holds a line with its own name"},
		{"heredoc beside blanks", copyOf(&irv1.Copy{Inline: []*irv1.Heredoc{{Name: "f"}}}, "a b", "/"), "here-documents beside such paths (copy them one by one)"},
		{"not UTF-8 in JSON", cmd(exec("\xff")), `the bytes of "\xff", which are not UTF-8`},
	}
	for _, test := range tests {
		got, diagnostics := ir.Dockerfile(file(from("scratch", test.step)))
		if text := findings(diagnostics); !strings.Contains(text, "error not-in-dockerfile: Dockerfile cannot say "+test.want) {
			t.Errorf("%s: got %s, want %s", test.name, text, test.want)
		}
		if got != "FROM scratch\n" {
			t.Errorf("%s: text %q", test.name, got)
		}
	}
	wasm := &irv1.Build{Files: []string{"f"}, Kind: &irv1.Build_Wasm{Wasm: &irv1.Wasm{}}}
	wasm.Features = ir.SourceFeatures(wasm)
	if _, diagnostics := ir.Dockerfile(wasm); !strings.Contains(findings(diagnostics), "Dockerfile cannot say a wasm build") {
		t.Errorf("wasm: %s", findings(diagnostics))
	}
}
