// SPDX-License-Identifier: Apache-2.0

package ir_test

import (
	"strings"
	"testing"

	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

// mustResolve resolves without errors, checks the result and returns it.
func mustResolve(t *testing.T, b *irv1.Build, o ir.Options) *irv1.ResolvedBuild {
	t.Helper()
	res := ir.Resolve(b, o)
	if res.Build == nil {
		t.Fatalf("not resolved: needs %v, diagnostics:\n%s", res.Needs, findings(res.Diagnostics))
	}
	if err := ir.ValidateResolved(res.Build); err != nil {
		t.Fatalf("%v\n%s", err, ir.TextResolved(res.Build))
	}
	return res.Build
}

// findings prints diagnostics, one a line.
func findings(list []*diagv1.Diagnostic) string {
	var b strings.Builder
	for _, d := range list {
		kind := "error"
		if d.Severity == diagv1.Severity_SEVERITY_WARNING {
			kind = "warning"
		}
		b.WriteString(kind + " " + d.Code + ": " + d.Message)
		if d.Help != "" {
			b.WriteString(" (" + d.Help + ")")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// target returns the last stage.
func target(b *irv1.ResolvedBuild) *irv1.ResolvedStage {
	stages := b.GetContainer().GetStages()
	return stages[len(stages)-1]
}

// lastExec returns the last command of the target.
func lastExec(b *irv1.ResolvedBuild) *irv1.Exec {
	steps := target(b).Steps
	return steps[len(steps)-1].GetExec()
}

const pathEnv = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

func TestResolveWhole(t *testing.T) {
	debian := &ir.FetchedImage{Config: &irv1.ImageConfig{
		Env: []string{"PATH=/bin", "LANG=C"}, Cmd: []string{"bash"}, WorkingDir: "/srv", Onbuild: []string{"COPY app /app"},
		Labels: []*irv1.KeyValue{{Key: "z", Value: "1"}},
	}, Onbuild: []*irv1.Step{copied("app", "app/")}}
	b := fileWithArgs([]*irv1.Step{arg("V=12")},
		from("scratch AS unused", run("never")),
		from("debian:$V AS build", arg("V"), env("A=$V"), run("make")),
		from("debian:12", copyFrom("build", "/out/./bin/", "/bin/"), mounted("type=cache,target=/c"), expose("80", "53/udp"),
			label("b=2", "a=1"), user("app"), workdir("x"), entrypoint(exec("/bin/app"))),
	)
	got := ir.TextResolved(mustResolve(t, b, ir.Options{Images: images(map[string]*ir.FetchedImage{"docker.io/library/debian:12": debian})}))
	want := `features copy copy.from.stage exec exec.mount.cache make-dir
image 0 docker.io/library/debian:12 digest=` + digestOf("a") + ` platform=linux/amd64
  config workdir=/srv
    env "PATH=/bin"
    env "LANG=C"
    cmd bash
    label z=1
    onbuild "COPY app /app"
context 0 ""
stage 0 build from=image:0 platform=linux/amd64
  text "FROM debian:$V AS build"
  copy from=context:0 app -> /srv/app/
    text "COPY app app/"
  metadata
    text "ARG V"
  metadata
    text "ENV A=$V"
  exec workdir=/srv
    text "RUN make"
    argv /bin/sh -c make
    env "PATH=/bin"
    env "LANG=C"
    env "V=12"
    env "A=12"
  config workdir=/srv
    env "PATH=/bin"
    env "LANG=C"
    env "A=12"
    cmd bash
    label z=1
stage 1 2 from=image:0 platform=linux/amd64
  text "FROM debian:12"
  copy from=context:0 app -> /srv/app/
    text "COPY app app/"
  copy from=stage:0 out/bin -> /bin/
    text "COPY /out/./bin/ /bin/"
  exec workdir=/srv
    text "RUN true"
    argv /bin/sh -c true
    env "PATH=/bin"
    env "LANG=C"
    mount cache target=/c id=/c mode=0755
  metadata
    text EXPOSE
  metadata
    text "LABEL b=2 a=1"
  metadata
    text "USER app"
  make-dir /srv/x owner=app
    text "WORKDIR x"
  metadata
    text ENTRYPOINT
  config user=app workdir=/srv/x
    env "PATH=/bin"
    env "LANG=C"
    entrypoint /bin/app
    label a=1
    label b=2
    label z=1
    expose 53/udp 80/tcp
`
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// TestResolveRounds: bases are asked for first, and an ONBUILD trigger may ask
// for more; everything is asked for at once where that is possible.
func TestResolveRounds(t *testing.T) {
	b := file(from("a", copyFrom("b", "/x", "/x")), from("c", mounted("from=d,target=/d"), copyFrom("0", "/x", "/x")))
	o := ir.Options{Images: map[ir.ImageKey]*ir.FetchedImage{}}
	var rounds []string
	for {
		res := ir.Resolve(b, o)
		if res.Build != nil {
			break
		}
		if len(res.Needs) == 0 {
			t.Fatal(findings(res.Diagnostics))
		}
		var names []string
		for _, n := range res.Needs {
			name := strings.TrimSuffix(strings.TrimPrefix(n.Key.Reference, "docker.io/library/"), ":latest")
			img := &ir.FetchedImage{Digest: digestOf("b")}
			if n.Config {
				name += "*"
			}
			if name == "a*" {
				img.Onbuild = []*irv1.Step{copyFrom("e", "/e", "/e")}
			}
			o.Images[n.Key] = img
			names = append(names, name)
		}
		rounds = append(rounds, strings.Join(names, " "))
	}
	if got, want := strings.Join(rounds, "; "), "c* d a* b; e"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestResolveConfig(t *testing.T) {
	health := func(c *irv1.Command) *irv1.Healthcheck { return &irv1.Healthcheck{Test: c} }
	tests := []struct {
		name   string
		stages []*irv1.Stage
		want   string // lines of the configuration, without the PATH of scratch
	}{
		{"scratch", []*irv1.Stage{from("scratch")}, "config workdir=/"},
		{"env sees the environment before the instruction", []*irv1.Stage{from("scratch", env("A=1"), env("A=2", "B=$A"))},
			`config workdir=/ env "A=2" env "B=1"`},
		{"env keeps its place", []*irv1.Stage{from("scratch", env("A=1"), env("B=1"), env("A=3"))}, `config workdir=/ env "A=3" env "B=1"`},
		{"quotes", []*irv1.Stage{from("scratch", env(`A="x y"`, `B=x\ y`, `C='$A'`), label(`"k k"="v"`))},
			`config workdir=/ env "A=x y" env "B=x y" env "C=$A" label "k k"=v`},
		{"arg is not in the image", []*irv1.Stage{from("scratch", arg("A=1"), env("B=$A"))}, `config workdir=/ env "B=1"`},
		{"the later of arg and env wins", []*irv1.Stage{from("scratch", env("A=1"), arg("A=2"), env("B=$A"))}, `config workdir=/ env "A=1" env "B=2"`},
		{"arg without value keeps env", []*irv1.Stage{from("scratch", env("A=1"), arg("A"), env("B=$A"))}, `config workdir=/ env "A=1" env "B=1"`},
		{"env of the base wins over its arg", []*irv1.Stage{from("scratch AS a", env("A=1"), arg("A=2", "C=3")), from("a", env("B=$A$C"))},
			`config workdir=/ env "A=1" env "B=13"`},
		{"inherited", []*irv1.Stage{
			from("scratch AS a", arg("X=1"), env("A=1"), user("u"), workdir("/w"), shellIs("bash", "-c"), cmd(shell("run")), label("l=1")),
			from("a", env("B=$X"), workdir("sub"), label("l=2"))},
			`config user=u workdir=/w/sub env "A=1" env "B=1" cmd bash -c run shell bash -c label l=2`},
		{"entrypoint resets an inherited cmd", []*irv1.Stage{from("scratch AS a", cmd(exec("c"))), from("a", entrypoint(exec("e")))},
			"config workdir=/ entrypoint e"},
		{"entrypoint keeps this stage's cmd", []*irv1.Stage{from("scratch", cmd(exec("c")), entrypoint(exec("e")))},
			"config workdir=/ entrypoint e cmd c"},
		{"shell forms", []*irv1.Stage{from("scratch", cmd(shell("a b")), shellIs("ash", "-e"), entrypoint(shell("c d")))},
			`config workdir=/ entrypoint ash -e "c d" cmd /bin/sh -c "a b" shell ash -e`},
		{"commands are not expanded", []*irv1.Stage{from("scratch", env("A=1"), cmd(exec("$A", "${A}")))}, `config workdir=/ env "A=1" cmd $A ${A}`},
		{"empty entrypoint", []*irv1.Stage{from("scratch AS a", entrypoint(exec("x"))), from("a", entrypoint(exec()))}, "config workdir=/"},
		{"healthcheck exec", []*irv1.Stage{from("scratch", healthcheck(&irv1.Healthcheck{Test: exec("c", "x"), Interval: w("1m30s"), Retries: w("3")}))},
			"config workdir=/ healthcheck interval=90000000000 retries=3 CMD c x"},
		{"healthcheck shell", []*irv1.Stage{from("scratch", shellIs("bash", "-c"), healthcheck(health(shell("a b"))))},
			`config workdir=/ shell bash -c healthcheck CMD-SHELL "a b"`},
		{"healthcheck none", []*irv1.Stage{from("scratch", healthcheck(&irv1.Healthcheck{}))}, "config workdir=/ healthcheck NONE"},
		{"expose", []*irv1.Stage{from("scratch", env("P=7 9"), expose("8000-8002/TCP", "53/udp", "$P", "127.0.0.1:80:81", "9"))},
			`config workdir=/ env "P=7 9" expose 53/udp 7/tcp 8000/tcp 8001/tcp 8002/tcp 81/tcp 9/tcp`},
		{"volumes", []*irv1.Stage{from("scratch", env("V=/b"), volume("$V", "/a"), volume("/a"))}, `config workdir=/ env "V=/b" volume /a /b`},
		{"stopsignal, user, maintainer", []*irv1.Stage{from("scratch", env("S=TERM"), stopsignal("SIG$S"), user("${S}:1"), maintainer("$S <x>"))},
			`config user=TERM:1 workdir=/ stopsignal=SIGTERM author="$S <x>" env "S=TERM"`},
		{"workdir", []*irv1.Stage{from("scratch", workdir("a"), workdir("b/../c/"), workdir("/d"), workdir(""), workdir("e"))}, "config workdir=/d/e"},
		{"onbuild is kept as text", []*irv1.Stage{from("scratch", onbuild(run("x")), onbuild(copied("a", "b")))},
			`config workdir=/ onbuild "RUN x" onbuild "COPY a b"`},
		{"onbuild runs in the child and is gone", []*irv1.Stage{from("scratch AS a", onbuild(env("A=1")), onbuild(workdir("/o"))), from("a", env("B=$A"))},
			`config workdir=/o env "A=1" env "B=1"`},
		{"onbuild does not run twice", []*irv1.Stage{from("scratch AS a", onbuild(env("A=1"))), from("a AS b", env("A=2")), from("b")},
			`config workdir=/ env "A=2"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := mustResolve(t, file(test.stages...), ir.Options{})
			text := ir.TextResolved(b)
			text = text[strings.LastIndex(text, "\n  config")+1:]
			text = strings.ReplaceAll(text, `env "`+pathEnv+`"`, "")
			if got := strings.Join(strings.Fields(text), " "); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestResolveBuildArgs(t *testing.T) {
	tests := []struct {
		name    string
		args    []*irv1.Step
		steps   []*irv1.Step
		options ir.Options
		want    string // the value of X in the last RUN, or "unset"
	}{
		{"default", nil, []*irv1.Step{arg("X=1")}, ir.Options{}, "1"},
		{"given", nil, []*irv1.Step{arg("X=1")}, ir.Options{BuildArgs: args("X=2")}, "2"},
		{"the last one given counts", nil, []*irv1.Step{arg("X=1")}, ir.Options{BuildArgs: args("X=2", "X=3")}, "3"},
		{"given empty", nil, []*irv1.Step{arg("X=1")}, ir.Options{BuildArgs: args("X=")}, ""},
		{"no value", nil, []*irv1.Step{arg("X")}, ir.Options{}, "unset"},
		{"given but not declared", nil, nil, ir.Options{BuildArgs: args("X=2")}, "unset"},
		{"global is not seen", []*irv1.Step{arg("X=1")}, nil, ir.Options{}, "unset"},
		{"global, declared again", []*irv1.Step{arg("X=1")}, []*irv1.Step{arg("X")}, ir.Options{}, "1"},
		{"global, own default", []*irv1.Step{arg("X=1")}, []*irv1.Step{arg("X=2")}, ir.Options{}, "2"},
		{"global of global", []*irv1.Step{arg("Y=1", "X=$Y-2")}, []*irv1.Step{arg("X")}, ir.Options{}, "1-2"},
		{"arg of arg", nil, []*irv1.Step{arg("Y=1", "X=$Y-2")}, ir.Options{}, "1-2"},
		{"before ARG", nil, []*irv1.Step{env("E=$X"), arg("X=$E")}, ir.Options{}, ""},
		{"platform", nil, []*irv1.Step{arg("TARGETPLATFORM"), arg("BUILDARCH"), env("X=$TARGETPLATFORM,$BUILDARCH")},
			ir.Options{TargetPlatform: &irv1.Platform{Os: "linux", Architecture: "arm", Variant: "v7"}}, "linux/arm/v7,amd64"},
		{"platform not declared", nil, []*irv1.Step{env("X=<$TARGETARCH>")}, ir.Options{}, "<>"},
		{"platform overridden", nil, []*irv1.Step{arg("TARGETARCH"), env("X=$TARGETARCH")}, ir.Options{BuildArgs: args("TARGETARCH=m68k")}, "m68k"},
		{"target stage", nil, []*irv1.Step{arg("TARGETSTAGE"), env("X=$TARGETSTAGE")}, ir.Options{}, "default"},
		{"epoch", nil, []*irv1.Step{arg("SOURCE_DATE_EPOCH"), env("X=$SOURCE_DATE_EPOCH")}, ir.Options{BuildArgs: args("SOURCE_DATE_EPOCH=7")}, "7"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := fileWithArgs(test.args, from("scratch", append(test.steps, run("x"))...))
			got := "unset"
			for _, kv := range lastExec(mustResolve(t, b, test.options)).Env {
				if v, ok := strings.CutPrefix(kv, "X="); ok {
					got = v
				}
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestResolveProxy(t *testing.T) {
	o := ir.Options{BuildArgs: args("http_proxy=p", "NO_PROXY=")}
	res := ir.Resolve(file(from("scratch", run("x"))), o)
	env := strings.Join(lastExec(res.Build).Env, " ")
	if want := pathEnv + " HTTP_PROXY=p http_proxy=p"; env != want {
		t.Errorf("got %q, want %q", env, want)
	}
	if got := strings.Join(target(res.Build).Config.Env, " "); got != pathEnv {
		t.Errorf("the image has %q", got)
	}
	if len(res.Diagnostics) > 0 {
		t.Error(findings(res.Diagnostics))
	}
}

func TestResolveRun(t *testing.T) {
	doc := func(name, content string) *irv1.Heredoc { return &irv1.Heredoc{Name: name, Content: content} }
	tests := []struct {
		name   string
		steps  []*irv1.Step
		argv   string
		script string
	}{
		{"shell", []*irv1.Step{run("a $B")}, `"/bin/sh" "-c" "a $B"`, ""},
		{"exec", []*irv1.Step{runOf(&irv1.Run{Command: exec("a", "$B")})}, `"a" "$B"`, ""},
		{"SHELL", []*irv1.Step{shellIs("bash", "-ec"), run("a")}, `"bash" "-ec" "a"`, ""},
		{"heredoc alone", []*irv1.Step{runOf(&irv1.Run{Command: shell("<<EOF", doc("EOF", "a\nb\n"))})}, `"/bin/sh" "-c" "a\nb\n"`, ""},
		{"heredoc alone, quoted", []*irv1.Step{runOf(&irv1.Run{Command: shell(`<<-"E F"`, doc("E F", "a\n"))})}, `"/bin/sh" "-c" "a\n"`, ""},
		{"script", []*irv1.Step{runOf(&irv1.Run{Command: shell("<<EOF", doc("EOF", "#!/usr/bin/env python\nx\n"))})}, `"/run/heredoc/EOF"`, "#!/usr/bin/env python\nx\n"},
		{"heredoc as input", []*irv1.Step{runOf(&irv1.Run{Command: shell("cat <<A 3<<B", doc("A", "#!a\n"), doc("B", "b\n"))})},
			`"/bin/sh" "-c" "cat <<A 3<<B\n#!a\nA\nb\nB"`, ""},
		{"here-string", []*irv1.Step{run("cat <<<x")}, `"/bin/sh" "-c" "cat <<<x"`, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			x := lastExec(mustResolve(t, file(from("scratch", test.steps...)), ir.Options{}))
			if got := quoteAll(x.Argv); got != test.argv {
				t.Errorf("argv %s, want %s", got, test.argv)
			}
			if string(x.Script) != test.script {
				t.Errorf("script %q, want %q", x.Script, test.script)
			}
		})
	}
}

func TestResolveRunOptions(t *testing.T) {
	step := runOf(&irv1.Run{Command: shell("x"), Network: w("none"), Security: w("insecure"),
		Devices: ws("vendor.com/gpu=all,required"), Env: []*irv1.Pair{pair("A=$A-2"), pair("B=1")}})
	x := lastExec(mustResolve(t, file(from("scratch", env("A=1"), user("u"), workdir("/w"), step)), ir.Options{}))
	if got := strings.Join(x.Env, " "); got != pathEnv+" A=1-2 B=1" {
		t.Errorf("env %q", got)
	}
	if x.User != "u" || x.Workdir != "/w" || x.Network != irv1.Network_NETWORK_NONE || x.Security != irv1.Security_SECURITY_INSECURE {
		t.Errorf("got %+v", x)
	}
	if d := x.Devices; len(d) != 1 || d[0].Name != "vendor.com/gpu=all" || !d[0].Required {
		t.Errorf("devices %+v", d)
	}
}
