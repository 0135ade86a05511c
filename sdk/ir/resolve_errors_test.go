// SPDX-License-Identifier: Apache-2.0

package ir_test

import (
	"strings"
	"testing"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

func TestResolveErrors(t *testing.T) {
	one := func(steps ...*irv1.Step) *irv1.Build { return file(from("scratch AS one", steps...)) }
	tests := []struct {
		name  string
		build *irv1.Build
		want  string
	}{
		{"bad substitution", one(env("A=${B")), "error bad-substitution: missing '}' of a substitution"},
		{"required variable", one(env("A=${B:?say B}")), "error bad-substitution: B: say B"},
		{"empty base", fileWithArgs([]*irv1.Step{arg("B")}, from("$B")), `error empty-base: the base image is empty after expanding "$B" (give its ARG a default before the first FROM)`},
		{"undefined in FROM", file(from("a$B")), `warning undefined-variable: FROM uses "B", which no ARG before the first FROM declares`},
		{"bad reference", file(from("Debian")), `error bad-reference: image reference "Debian" has upper-case letters in its repository name`},
		{"stage name in capitals", file(from("scratch AS builder"), from("Builder")), `(did you mean "builder"?)`},
		{"self", one(copyFrom("one", "a", "/")), `error stage-cycle: stage "one" reads from itself (--from has to name an earlier stage)`},
		{"self by number", one(copyFrom("0", "a", "/")), `error stage-cycle: stage "one" reads from itself`},
		{"cycle", file(from("scratch AS a", copyFrom("b", "x", "/")), from("scratch AS b", copyFrom("a", "x", "/"))),
			`error stage-cycle: stages "a" and "b" depend on each other`},
		{"cycle through a base", file(from("scratch AS a", mounted("from=c,target=/c")), from("a AS b"), from("b AS c")),
			`error stage-cycle: stages "a" and "c" depend on each other`},
		{"forward", file(from("scratch AS a", copyFrom("c", "x", "/")), from("a AS b"), from("scratch AS c"), from("b")),
			`error forward-stage: stage "c" is defined after the stage that reads from it (move it before stage "a")`},
		{"stage number", one(copyFrom("7", "a", "/")), "error unknown-stage: --from=7: there are only 1 stages, numbered from 0"},
		{"variable in from", one(copyFrom("$x", "a", "/")), "error variable-in-from: --from cannot hold variables"},
		{"variable in mount", one(mounted("from=$x,target=/x")), "error variable-in-from: from cannot hold variables"},
		{"escape", one(copied("../a", "/")), `error path-escape: the source "../a" is outside of what is copied from`},
		{"escape in the middle", one(copied("a/../../b", "/")), "error path-escape"},
		{"escape after expansion", one(env("P=.."), copied("$P/a", "/")), "error path-escape"},
		{"escape of a pivot", one(copyOf(&irv1.Copy{Parents: w("true")}, "a/./../b", "/")), "error path-escape"},
		{"COPY of a URL", one(copied("https://example.com/a", "/")), `error remote-copy: COPY cannot read the URL "https://example.com/a" (use ADD)`},
		{"chown by name with link", one(copyOf(&irv1.Copy{Chown: w("app"), Link: w("true")}, "a", "/")), "error chown-name"},
		{"mode", one(copyOf(&irv1.Copy{Chmod: w("99")}, "a", "/")), `error bad-mode: "99" is not a file mode`},
		{"long mode", one(copyOf(&irv1.Copy{Chmod: w("17777")}, "a", "/")), "error bad-mode"},
		{"link", one(copyOf(&irv1.Copy{Link: w("maybe")}, "a", "/")), `error bad-value: "maybe" is not a value of --link`},
		{"checksum of two", one(addOf(&irv1.Copy{Checksum: w("x")}, "https://a/b", "https://a/c", "/")), "error bad-checksum: --checksum goes with exactly one source"},
		{"checksum of a file", one(addOf(&irv1.Copy{Checksum: w("x")}, "a", "/")), "error bad-checksum: --checksum goes with a URL"},
		{"checksum", one(addOf(&irv1.Copy{Checksum: w("md5:1")}, "https://a/b", "/")), `error bad-checksum: "md5:1" is not a digest`},
		{"port", one(expose("80", "70000")), `error bad-port: "70000" is not a port from 0 to 65535`},
		{"port range", one(expose("9-8")), `error bad-port: "9-8" is a range that ends before it starts`},
		{"protocol", one(expose("80/icmp")), `error bad-port: "80/icmp" has an unknown protocol`},
		{"volume", one(volume("$NONE")), "error empty-volume"},
		{"name", one(env(`""=1`)), "error empty-name"},
		{"signal", one(stopsignal("SIGFOO")), `error bad-signal: "SIGFOO" is not a signal`},
		{"duration", one(healthcheck(&irv1.Healthcheck{Test: exec("x"), Interval: w("10")})), "error bad-duration: --interval=10 is not a duration"},
		{"short duration", one(healthcheck(&irv1.Healthcheck{Test: exec("x"), Timeout: w("1us")})), "error bad-duration: --timeout=1us is less than a millisecond"},
		{"retries", one(healthcheck(&irv1.Healthcheck{Test: exec("x"), Retries: w("-1")})), "error bad-retries"},
		{"network", one(runOf(&irv1.Run{Command: shell("x"), Network: w("$N")})), `error bad-value: "$N" is not a value of --network (the values are default, none and host)`},
		{"security", one(runOf(&irv1.Run{Command: shell("x"), Security: w("x")})), "error bad-value"},
		{"device", one(runOf(&irv1.Run{Command: shell("x"), Devices: ws("required")})), "error bad-device"},
		{"mount type", one(mounted("type=bond,target=/x")), `error bad-mount: "bond" is not a type of mount`},
		{"mount option", one(mounted("targt=/x")), `error bad-mount: "targt" is not an option of --mount (did you mean "target"?)`},
		{"option of another type", one(mounted("target=/x,size=1")), `error bad-mount: a mount of type bind has no option "size"`},
		{"option without value", one(mounted("target")), `error bad-mount: the mount option "target" needs a value`},
		{"mount at the root", one(mounted("type=cache,target=/x/..")), "error bad-mount: a mount cannot be at the root"},
		{"mount without target at the root", one(mounted("source=a")), "error bad-mount: a mount cannot be at the root"},
		{"mount source", one(mounted("source=../a,target=/x")), `error bad-mount: the source "../a" leaves`},
		{"sharing", one(mounted("type=cache,target=/x,sharing=some")), `error bad-mount: "some" is not a way to share a cache`},
		{"size", one(mounted("type=tmpfs,target=/x,size=ten")), "error bad-mount: size=ten is not a size"},
		{"negative size", one(mounted("type=tmpfs,target=/x,size=-1")), "error bad-mount: size=-1 is not a size"},
		{"mount mode", one(mounted("type=cache,target=/x,mode=9")), "error bad-mount: mode=9 is not a number (modes are octal"},
		{"secret", one(mounted("type=secret")), "error bad-mount: a secret needs an id or a target"},
		{"secret twice", one(mounted("type=secret,id=a,source=b")), "error bad-mount: a secret cannot have both"},
		{"readonly", one(mounted("target=/x,ro=perhaps")), `error bad-value: "perhaps" is not a value of ro`},
		{"undefined", one(env("NAME=1"), workdir("/$NAMES")), `warning undefined-variable: the variable "NAMES" is not defined here (did you mean "NAME"?)`},
		{"undefined in a heredoc", one(copyOf(&irv1.Copy{Inline: []*irv1.Heredoc{{Name: "a", Content: "$b\n", Expand: true}}}, "/")),
			`warning undefined-variable: the variable "b" is not defined here`},
		{"not declared in the stage", fileWithArgs([]*irv1.Step{arg("V=1")}, from("scratch", workdir("/$V"))),
			`warning undefined-variable: the variable "V" is not defined here (declare it in this stage: ARG V)`},
		{"invalid", &irv1.Build{}, "error invalid-build: invalid build: kind is not set"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			res := ir.Resolve(test.build, ir.Options{})
			got := findings(res.Diagnostics)
			if !strings.Contains(got, test.want) {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			if strings.Contains(got, "error") && res.Build != nil {
				t.Error("there is a build in spite of an error")
			}
		})
	}
}

func TestResolveOptionErrors(t *testing.T) {
	b := fileWithArgs([]*irv1.Step{arg("TAG=1")}, from("scratch AS build", arg("VERSION")), from("scratch AS run"))
	tests := []struct {
		name string
		o    ir.Options
		want string
	}{
		{"target", ir.Options{Target: "biuld"}, `error unknown-target: there is no stage named "biuld" (did you mean "build"?)`},
		{"target far off", ir.Options{Target: "x"}, `(the stages are build, run)`},
		{"unused argument", ir.Options{Target: "build", BuildArgs: args("VERSOIN=1", "TAG=2")}, `warning unused-build-arg: the build argument "VERSOIN" is not used (did you mean "VERSION"?)`},
		{"argument of an unreachable stage", ir.Options{BuildArgs: args("VERSION=1")}, `warning unused-build-arg: the build argument "VERSION" is not used`},
	}
	for _, test := range tests {
		if got := findings(ir.Resolve(b, test.o).Diagnostics); !strings.Contains(got, test.want) {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
	folder := ir.Options{Contexts: []ir.NamedContext{{Name: "ctx"}}}
	if got := findings(ir.Resolve(file(from("ctx")), folder).Diagnostics); !strings.Contains(got, `error context-as-base: the named context "ctx" is a folder`) {
		t.Errorf("folder as base: %s", got)
	}
	bad := from("scratch")
	bad.Platform = w("linux/")
	if got := findings(ir.Resolve(file(bad), ir.Options{}).Diagnostics); !strings.Contains(got, "error bad-platform") {
		t.Errorf("platform: %s", got)
	}
}

// TestResolveNoFalseAlarms: what Docker takes in silence gives no finding.
func TestResolveNoFalseAlarms(t *testing.T) {
	b := fileWithArgs([]*irv1.Step{arg("BASE=scratch", "EMPTY")},
		from("${BASE}${EMPTY}", arg("D"), env("A=$D"), env("B=${A:-x}"), run("echo $UNDEFINED"), cmd(shell("$UNDEFINED"))))
	o := ir.Options{BuildArgs: args("HTTPS_PROXY=x", "SOURCE_DATE_EPOCH=1", "TARGETARCH=x")}
	if res := ir.Resolve(b, o); len(res.Diagnostics) > 0 {
		t.Error(findings(res.Diagnostics))
	}
}

// TestResolveDropsUnreachable: a stage that nothing needs is not looked into,
// so that its mistakes and images do not matter.
func TestResolveDropsUnreachable(t *testing.T) {
	b := file(from("Bad:Reference", copied("../x", "/")), from("not:fetched"), from("scratch AS a"), from("scratch", copyFrom("a", "x", "/")))
	res := mustResolve(t, b, ir.Options{})
	if n := len(res.GetContainer().Stages); n != 2 {
		t.Errorf("%d stages", n)
	}
}

// TestResolveNarrowsRanges: a mistake inside a word is shown where it is.
func TestResolveNarrowsRanges(t *testing.T) {
	step := env("A=x")
	step.GetEnv().Pairs[0].Value = &irv1.Word{Text: "ab${", Range: at(4, 7, 11)}
	d := ir.Resolve(file(from("scratch", step)), ir.Options{}).Diagnostics
	if len(d) != 1 || d[0].Range.GetColumn() != 9 || d[0].Range.GetEndColumn() != 11 {
		t.Errorf("got %v", d)
	}
}

func TestNormalizeReference(t *testing.T) {
	hex := strings.Repeat("a", 64)
	tests := map[string]string{
		"debian":                           "docker.io/library/debian:latest",
		"debian:12-slim":                   "docker.io/library/debian:12-slim",
		"me/app":                           "docker.io/me/app:latest",
		"docker.io/debian":                 "docker.io/library/debian:latest",
		"index.docker.io/a/b":              "docker.io/a/b:latest",
		"ghcr.io/a/b/c:V1_2.3-x":           "ghcr.io/a/b/c:V1_2.3-x",
		"localhost/x":                      "localhost/x:latest",
		"localhost:5000/x:1":               "localhost:5000/x:1",
		"127.0.0.1:5000/x":                 "127.0.0.1:5000/x:latest",
		"[::1]:5000/x":                     "[::1]:5000/x:latest",
		"MyHost/x":                         "MyHost/x:latest",
		"a@sha256:" + hex:                  "docker.io/library/a@sha256:" + hex,
		"a:1@sha256:" + hex:                "docker.io/library/a:1@sha256:" + hex,
		"x/a__b.c--d/e_f":                  "docker.io/x/a__b.c--d/e_f:latest",
		"":                                 "",
		"A":                                "",
		"a:":                               "",
		"a b":                              "",
		"a//b":                             "",
		"-a":                               "",
		"a-":                               "",
		"a___b":                            "",
		"a..b":                             "",
		"a:.x":                             "",
		"a:" + strings.Repeat("x", 129):    "",
		"a@sha256:abc":                     "",
		"a@md5:" + hex:                     "",
		hex:                                "",
		"https://ghcr.io/a":                "",
		"host-.io/x":                       "",
		"host:port/x":                      "",
		"a@sha256:" + strings.ToUpper(hex): "",
	}
	for text, want := range tests {
		got, err := ir.NormalizeReference(text)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestParsePlatform(t *testing.T) {
	tests := map[string]string{
		"linux/amd64": "linux/amd64", "linux/x86_64": "linux/amd64", "Linux/AArch64": "linux/arm64", "linux/arm64/v8": "linux/arm64",
		"linux/arm": "linux/arm/v7", "linux/arm/6": "linux/arm/v6", "linux/armhf": "linux/arm/v7", "linux/amd64/v1": "linux/amd64",
		"linux/amd64/v3": "linux/amd64/v3", "windows/amd64": "windows/amd64", "linux/i386": "linux/386", "macos/arm64": "darwin/arm64",
		"arm64": "linux/arm64", "windows": "windows/amd64", "linux/riscv64": "linux/riscv64",
		"": "", "linux/": "", "/amd64": "", "linux/arm/v7/x": "", "foo": "", "linux amd64": "",
	}
	for text, want := range tests {
		p, err := ir.ParsePlatform(text, amd64)
		if got := ir.FormatPlatform(p); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, %v; want %q", text, got, err, want)
		}
	}
}
