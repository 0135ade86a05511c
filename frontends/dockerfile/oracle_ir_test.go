// SPDX-License-Identifier: Apache-2.0

package dockerfile

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	bkparser "github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// These tests compare our IR with the typed instructions that BuildKit makes
// of the same text, field by field.

// fact is one instruction as both can say it: a name and what it is given, in
// a fixed order.
type fact struct {
	Name string
	Args []string
}

// buildkitFacts reads src with BuildKit, mounts and devices included.
func buildkitFacts(src []byte) ([]fact, error) {
	res, err := bkparser.Parse(bytes.NewReader(src))
	if err != nil {
		return nil, err
	}
	stages, args, err := instructions.Parse(res.AST, linter.New(&linter.Config{}))
	if err != nil {
		return nil, err
	}
	var list []fact
	for _, a := range args {
		list = append(list, buildkitFact(&a))
	}
	for _, s := range stages {
		list = append(list, fact{"stage", []string{s.BaseName, s.Name, s.Platform}})
		for _, c := range s.Commands {
			if r, ok := c.(*instructions.RunCommand); ok {
				if err := r.Expand(func(s string) (string, error) { return s, nil }); err != nil {
					return nil, err
				}
			}
			list = append(list, buildkitFact(c))
		}
	}
	return list, nil
}

func buildkitFact(c instructions.Command) fact {
	f := fact{Name: strings.ToLower(c.Name())}
	add := func(s ...string) { f.Args = append(f.Args, s...) }
	switch c := c.(type) {
	case *instructions.ArgCommand:
		for _, a := range c.Args {
			if add(a.Key); a.Value != nil {
				add("=" + *a.Value)
			}
		}
	case *instructions.EnvCommand:
		for _, e := range c.Env {
			add(e.Key, "="+e.Value)
		}
	case *instructions.LabelCommand:
		for _, e := range c.Labels {
			add(e.Key, "="+e.Value)
		}
	case *instructions.CopyCommand:
		add("from:"+c.From, "chown:"+c.Chown, "chmod:"+c.Chmod, boolFact("link", c.Link), boolFact("parents", c.Parents))
		add(c.ExcludePatterns...)
		f.Args = append(f.Args, pathFacts(c.SourcesAndDest)...)
	case *instructions.AddCommand:
		add("chown:"+c.Chown, "chmod:"+c.Chmod, "checksum:"+c.Checksum, boolFact("link", c.Link))
		add(optionalFact("keep-git-dir", c.KeepGitDir), optionalFact("unpack", c.Unpack))
		add(c.ExcludePatterns...)
		f.Args = append(f.Args, pathFacts(c.SourcesAndDest)...)
	case *instructions.RunCommand:
		add(instructions.GetNetwork(c), instructions.GetSecurity(c))
		for _, m := range instructions.GetMounts(c) {
			add(mountFact(m))
		}
		for _, d := range instructions.GetDevices(c) {
			add("device:"+d.Name, boolFact("required", d.Required))
		}
		add(commandFacts(c.ShellDependantCmdLine)...)
	case *instructions.CmdCommand:
		add(commandFacts(c.ShellDependantCmdLine)...)
	case *instructions.EntrypointCommand:
		add(commandFacts(c.ShellDependantCmdLine)...)
	case *instructions.HealthCheckCommand:
		h := c.Health
		if h.Test[0] == "CMD" || h.Test[0] == "CMD-SHELL" {
			add(h.Interval.String(), h.Timeout.String(), h.StartPeriod.String(), h.StartInterval.String(), strconv.Itoa(h.Retries))
		}
		add(h.Test...)
	case *instructions.ShellCommand:
		add(c.Shell...)
	case *instructions.ExposeCommand:
		add(c.Ports...)
	case *instructions.VolumeCommand:
		add(c.Volumes...)
	case *instructions.WorkdirCommand:
		add(c.Path)
	case *instructions.UserCommand:
		add(c.User)
	case *instructions.StopSignalCommand:
		add(c.Signal)
	case *instructions.MaintainerCommand:
		add(c.Maintainer)
	case *instructions.OnbuildCommand:
		add(c.Expression)
	}
	return f
}

func boolFact(name string, b bool) string { return name + ":" + strconv.FormatBool(b) }

func optionalFact(name string, b *bool) string {
	if b == nil {
		return name + ":"
	}
	return boolFact(name, *b)
}

func pathFacts(s instructions.SourcesAndDest) []string {
	list := slices.Clone(s.SourcePaths)
	for _, c := range s.SourceContents {
		list = append(list, c.Path, c.Data, boolFact("expand", c.Expand))
	}
	return append(list, "to:"+s.DestPath)
}

func commandFacts(c instructions.ShellDependantCmdLine) []string {
	list := append([]string{boolFact("shell", c.PrependShell)}, c.CmdLine...)
	for _, h := range c.Files {
		data := h.Data
		if h.Chomp {
			data = bkparser.ChompHeredocContent(data)
		}
		list = append(list, h.Name, data, boolFact("strip", h.Chomp))
	}
	return list
}

// mountFact says all that BuildKit knows of a mount.
func mountFact(m *instructions.Mount) string {
	u := func(n *uint64) string {
		if n == nil {
			return "-"
		}
		return strconv.FormatUint(*n, 10)
	}
	env := "-"
	if m.Env != nil {
		env = *m.Env
	}
	return strings.Join([]string{string(m.Type), m.From, m.Source, m.Target, strconv.FormatBool(m.ReadOnly), strconv.FormatInt(m.SizeLimit, 10),
		m.CacheID, string(m.CacheSharing), strconv.FormatBool(m.Required), env, u(m.Mode), u(m.UID), u(m.GID)}, ";")
}

// ourFacts says the same of our IR.
func ourFacts(t *testing.T, c *irv1.Container) []fact {
	var list []fact
	for _, s := range c.Args {
		list = append(list, ourFact(t, s))
	}
	for _, s := range c.Stages {
		list = append(list, fact{"stage", []string{s.Base.GetText(), lower(s.Name.GetText()), s.Platform.GetText()}})
		for _, step := range s.Steps {
			list = append(list, ourFact(t, step))
		}
	}
	return list
}

func ourFact(t *testing.T, s *irv1.Step) fact {
	f := fact{Name: lower(s.Text[:wordEnd(s.Text, 0, len(s.Text))])}
	add := func(s ...string) { f.Args = append(f.Args, s...) }
	switch op := s.Op.(type) {
	case *irv1.Step_Arg:
		add(pairFacts(op.Arg)...)
	case *irv1.Step_Env:
		add(pairFacts(op.Env)...)
	case *irv1.Step_Label:
		add(pairFacts(op.Label)...)
	case *irv1.Step_Copy:
		c := op.Copy
		add("from:"+c.From.GetText(), "chown:"+c.Chown.GetText(), "chmod:"+c.Chmod.GetText(), boolFact("link", c.Link.GetText() == "true"),
			boolFact("parents", c.Parents.GetText() == "true"))
		add(copyFacts(c)...)
	case *irv1.Step_Add:
		c := op.Add
		add("chown:"+c.Chown.GetText(), "chmod:"+c.Chmod.GetText(), "checksum:"+c.Checksum.GetText(), boolFact("link", c.Link.GetText() == "true"))
		add("keep-git-dir:"+c.KeepGitDir.GetText(), "unpack:"+c.Unpack.GetText())
		add(copyFacts(c)...)
	case *irv1.Step_Run:
		r := op.Run
		add(orDefault(r.Network, "default"), orDefault(r.Security, "sandbox"))
		for _, m := range r.Mounts {
			add(ourMountFact(t, m))
		}
		for _, d := range r.Devices {
			x, err := instructions.ParseDevice(d.Text)
			if err != nil {
				t.Fatal(err)
			}
			add("device:"+x.Name, boolFact("required", x.Required))
		}
		add(ourCommandFacts(r.Command)...)
	case *irv1.Step_Cmd:
		add(ourCommandFacts(op.Cmd)...)
	case *irv1.Step_Entrypoint:
		add(ourCommandFacts(op.Entrypoint)...)
	case *irv1.Step_Healthcheck:
		add(healthFacts(t, op.Healthcheck)...)
	case *irv1.Step_Shell:
		add(texts(op.Shell.Words)...)
	case *irv1.Step_Expose:
		ports := texts(op.Expose.Words)
		slices.Sort(ports) // BuildKit sorts them
		add(ports...)
	case *irv1.Step_Volume:
		for _, v := range texts(op.Volume.Words) {
			add(strings.TrimSpace(v)) // BuildKit trims them
		}
	case *irv1.Step_Workdir:
		add(op.Workdir.Text)
	case *irv1.Step_User:
		add(op.User.Text)
	case *irv1.Step_Stopsignal:
		add(op.Stopsignal.Text)
	case *irv1.Step_Maintainer:
		add(op.Maintainer.Text)
	case *irv1.Step_Onbuild:
		add(op.Onbuild.Text)
	default:
		t.Fatalf("a step without an operation: %v", s.Text)
	}
	return f
}

func texts(words []*irv1.Word) []string {
	var list []string
	for _, w := range words {
		list = append(list, w.Text)
	}
	return list
}

func orDefault(w *irv1.Word, text string) string {
	if w == nil {
		return text
	}
	return w.Text
}

func pairFacts(p *irv1.Pairs) []string {
	var list []string
	for _, x := range p.Pairs {
		if list = append(list, x.Key.Text); x.Value != nil {
			list = append(list, "="+x.Value.Text)
		}
	}
	return list
}

func copyFacts(c *irv1.Copy) []string {
	list := append(texts(c.Exclude), texts(c.Sources)...)
	for _, h := range c.Inline {
		list = append(list, h.Name, h.Content, boolFact("expand", h.Expand))
	}
	return append(list, "to:"+c.Destination.Text)
}

func ourCommandFacts(c *irv1.Command) []string {
	list := append([]string{boolFact("shell", c.Shell)}, texts(c.Words)...)
	for _, h := range c.Heredocs {
		list = append(list, h.Name, h.Content, boolFact("strip", h.StripTabs))
	}
	return list
}

func healthFacts(t *testing.T, h *irv1.Healthcheck) []string {
	if h.Test == nil {
		return []string{"NONE"}
	}
	var list []string
	for _, w := range []*irv1.Word{h.Interval, h.Timeout, h.StartPeriod, h.StartInterval} {
		d, err := time.ParseDuration(orDefault(w, "0"))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, d.String())
	}
	list = append(list, strings.TrimPrefix(orDefault(h.Retries, "0"), "+"), map[bool]string{true: "CMD-SHELL", false: "CMD"}[h.Test.Shell])
	return append(list, texts(h.Test.Words)...)
}

// ourMountFact has BuildKit read the options of our mount again, one by one.
func ourMountFact(t *testing.T, m *irv1.Mount) string {
	var options []string
	for _, o := range m.Options {
		text := o.Key.Text
		if o.Value != nil {
			text += "=" + o.Value.Text
		}
		options = append(options, text)
	}
	var b strings.Builder
	w := csv.NewWriter(&b)
	w.Write(options)
	w.Flush()
	flag := strings.NewReplacer(`\`, `\\`, `"`, `\"`, `'`, `\'`, " ", `\ `).Replace(strings.TrimSuffix(b.String(), "\n"))
	res, err := bkparser.Parse(strings.NewReader("FROM x\nRUN --mount=" + flag + " x\n"))
	if err != nil {
		t.Fatal(err)
	}
	stages, _, err := instructions.Parse(res.AST, nil)
	if err != nil {
		t.Fatalf("%s: %v", flag, err)
	}
	r := stages[0].Commands[0].(*instructions.RunCommand)
	if err := r.Expand(func(s string) (string, error) { return s, nil }); err != nil {
		t.Fatalf("%s: %v", flag, err)
	}
	return mountFact(instructions.GetMounts(r)[0])
}

// validDockerfiles are files that both accept and must understand alike.
var validDockerfiles = []string{
	"FROM scratch", "from scratch as x", "FROM --platform=linux/amd64 alpine:3.20@sha256:" + strings.Repeat("a", 64) + " AS b.u-i_ld",
	"ARG A\nARG B=1 C='x y' D=\"$A\" E=\nFROM ${B:-x}\nARG A B=2",
	"FROM x\nENV a b c d\nENV a=b c=\"d e\" f='g h' i=j\\ k\nENV x=$y z=${q:-\"a b\"}\nENV l  'm n'",
	"FROM x\nLABEL a b\nLABEL \"a b\"=c d=e\\\n f=g\nLABEL a=",
	"FROM x\nRUN echo hi && \\\n# comment\n\n  echo ho\nRUN [\"a\",\"b c\",\"\\u00e9\"]\nRUN ['a','b']\nRUN  [ -f x ] || y\nRUN [\"a\"",
	"FROM x\nRUN --network=none --security=insecure --device=vendor.com/d=x,required --device=name=y true",
	"FROM x\nRUN --network=default --security=sandbox -- --foo",
	"FROM x\nRUN --mount=type=cache,target=/c,id=i,sharing=locked,mode=0755,uid=1,gid=2,from=y,source=/s,ro --mount=type=bind,src=a,dst=/b,rw=true true",
	"FROM x\nRUN --mount=type=secret,id=s,required,env=S,mode=0400 --mount=type=ssh,id=k,required=false --mount=type=tmpfs,destination=/t,size=1.5g true",
	"FROM x\nRUN --mount=target=/x --mount=\"type=bind,target=/a b\" --mount='type=bind,\"source=a,b\",target=/c' --mount=TYPE=Bind,READONLY=0,target=/d x",
	"FROM x\nRUN --mount=type=secret,target=/run/secrets/x --mount=type=secret,src=/y x",
	"FROM x\nRUN <<EOF\na\nb\nEOF\nRUN <<-'E F' 3<<G cat\n\ta\n\tE F\nb $x\nG\nRUN python <<EOF | tee\n#!/x\nEOF\nRUN <<eof\neof\nRUN [\"<<EOF\"]",
	"FROM x\nCOPY a b /c/\nCOPY [\"a b\", \"/c d\"]\nCOPY --from=img --chown=1:2 --chmod=0755 --link --parents=true --exclude=*.a --exclude=b a /\nCOPY --link=FALSE --chmod=u+x,go=r a /\n",
	"FROM x\nCOPY <<A <<-\"B\" c /d/\na $x\nA\n\tb\n\tB\nADD <<A /a\nA\n",
	"FROM x\nADD --checksum=sha256:" + strings.Repeat("0", 64) + " https://x.y/z /\nADD --keep-git-dir --unpack=false --link --chown=$u --chmod=${m} --exclude=x git@x:y.git /\nADD --keep-git-dir=false --unpack a b /",
	"FROM x\nHEALTHCHECK NONE\nHEALTHCHECK none\nHEALTHCHECK --interval=5s --timeout=1m30s --start-period=0s --start-interval=1ms --retries=3 CMD curl x || exit 1\nHEALTHCHECK cmd [\"a\",\"b\"]",
	"FROM x\nONBUILD RUN a\\\n b\nonbuild COPY --from=x a b\nONBUILD RUN <<EOF\nfoo\nEOF\nONBUILD ENV A B",
	"FROM x\nSHELL [\"/bin/sh\", \"-c\"]\nCMD a b\nCMD [\"a\"]\nCMD []\nENTRYPOINT a \"b\"\nENTRYPOINT [\"a\",\"b\"]\nENTRYPOINT []",
	"FROM x\nWORKDIR /a b\nUSER a:b\nSTOPSIGNAL SIGTERM\nSTOPSIGNAL $S\nSTOPSIGNAL 9\nMAINTAINER a <b@c>\nEXPOSE 80 443/tcp 1-3/UDP $P 0.0.0.0:1:2\nVOLUME /a /b\nVOLUME [\"/c d\", \" /e \"]",
	"# escape=`\r\nFROM x\r\nWORKDIR C:\\a\\b\r\nRUN a `\r\n  b\r\nCOPY a C:\\\r\nENV a=b` c\r\n",
	"\xef\xbb\xbf# syntax=x\n# check=skip=all\nFROM x\n",
	"FROM\tx\nRUN\t\ta\v b\nENV\ta=b\f c=d",
	"FROM x\nRUN echo \\\n   \nRUN last \\",
	"FROM x\n  \t RUN x  \t\n\t# no\n   ENV   a=b   ",
	"FROM x\nENV é=ü ñ=\"ö ø\"\nRUN echo \u00a0x\nLABEL a=b\u00a0c=d\u2003e=f",
	"FROM x\nRUN a <<b<<c\nRUN a<<EOF\nRUN << EOF\nEOF\nRUN <<- EOF\nRUN \"<<EOF\" '<<EOF'\n",
}

func TestOracleIR(t *testing.T) {
	for _, src := range validDockerfiles {
		compareFacts(t, src)
	}
}

// compareFacts reports where our IR of src says something else than BuildKit.
func compareFacts(t *testing.T, src string) {
	t.Helper()
	want, err := buildkitFacts([]byte(src))
	if err != nil {
		t.Errorf("%q: BuildKit: %v", src, err)
		return
	}
	res := parse(src)
	if diag.HasErrors(res.Diagnostics) {
		t.Errorf("%q: %v", src, lines(res.Diagnostics))
		return
	}
	if d := cmp.Diff(want, ourFacts(t, res.Build.GetContainer())); d != "" {
		t.Errorf("%q: BuildKit -, we +:\n%s", src, d)
	}
}
