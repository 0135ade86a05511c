// SPDX-License-Identifier: Apache-2.0

package ir

import (
	"strconv"
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// TextResolved prints a resolved build, one node a line, without ranges.
func TextResolved(b *irv1.ResolvedBuild) string {
	p := &printer{}
	p.node("features")
	for _, f := range b.GetFeatures() {
		p.value(f)
	}
	p.WriteByte('\n')
	if w := b.GetWasm(); w != nil {
		p.resolvedWasm(w)
	}
	if c := b.GetContainer(); c != nil {
		p.resolvedContainer(c)
	}
	return p.String()
}

func (p *printer) resolvedWasm(w *irv1.ResolvedWasm) {
	p.node("wasm")
	p.field("language", w.Language)
	p.field("target", w.Target)
	p.fieldIf("output", w.Output)
	p.WriteByte('\n')
	p.keyValues("label", w.Labels)
	p.depth++
	for _, o := range w.Options {
		p.node(o.GetName())
		for _, v := range o.GetValues() {
			p.value(v)
		}
		p.WriteByte('\n')
	}
	p.depth--
}

func (p *printer) resolvedContainer(c *irv1.ResolvedContainer) {
	for i, x := range c.Images {
		p.node("image")
		p.value(strconv.Itoa(i))
		p.value(x.Reference)
		p.field("digest", x.Digest)
		p.field("platform", FormatPlatform(x.Platform))
		p.WriteByte('\n')
		p.config(x.Config)
	}
	for i, name := range c.Contexts {
		p.node("context")
		p.value(strconv.Itoa(i))
		p.value(name)
		p.WriteByte('\n')
	}
	for i, s := range c.Stages {
		p.resolvedStage(i, s)
	}
}

func (p *printer) resolvedStage(i int, s *irv1.ResolvedStage) {
	p.node("stage")
	p.value(strconv.Itoa(i))
	p.value(s.Name)
	p.input("from", s.Base)
	p.field("platform", FormatPlatform(s.Platform))
	p.WriteByte('\n')
	p.source(s.Text)
	p.depth++
	for _, step := range s.Steps {
		p.resolvedStep(step)
	}
	p.depth--
	p.config(s.Config)
}

// input prints " name=kind:index".
func (p *printer) input(name string, in *irv1.Input) {
	if in == nil {
		return
	}
	kind := "?"
	switch in.Kind {
	case irv1.InputKind_INPUT_KIND_SCRATCH:
		p.field(name, "scratch")
		return
	case irv1.InputKind_INPUT_KIND_STAGE:
		kind = "stage"
	case irv1.InputKind_INPUT_KIND_IMAGE:
		kind = "image"
	case irv1.InputKind_INPUT_KIND_CONTEXT:
		kind = "context"
	}
	p.field(name, kind+":"+utoa(in.Index))
}

func (p *printer) resolvedStep(s *irv1.ResolvedStep) {
	switch op := s.GetOp().(type) {
	case *irv1.ResolvedStep_Exec:
		p.exec(op.Exec, s.Text)
	case *irv1.ResolvedStep_Transfer:
		p.transfer(op.Transfer, s.Text)
	case *irv1.ResolvedStep_MakeDir:
		p.node("make-dir")
		p.value(op.MakeDir.GetPath())
		p.fieldIf("owner", op.MakeDir.GetOwner())
		p.WriteByte('\n')
		p.source(s.Text)
	default:
		p.node("metadata")
		p.WriteByte('\n')
		p.source(s.GetText())
	}
}

func (p *printer) exec(x *irv1.Exec, text string) {
	p.node("exec")
	p.fieldIf("user", x.User)
	p.field("workdir", x.Workdir)
	p.flag("network=none", x.Network == irv1.Network_NETWORK_NONE)
	p.flag("network=host", x.Network == irv1.Network_NETWORK_HOST)
	p.flag("security=insecure", x.Security == irv1.Security_SECURITY_INSECURE)
	p.WriteByte('\n')
	p.source(text)
	p.childIf("argv", x.Argv)
	for line := range strings.Lines(string(x.Script)) {
		p.child("|", line)
	}
	for _, e := range x.Env {
		p.child("env", e)
	}
	p.depth++
	for _, m := range x.Mounts {
		p.resolvedMount(m)
	}
	for _, d := range x.Devices {
		p.node("device")
		p.value(d.Name)
		p.flag("required", d.Required)
		p.WriteByte('\n')
	}
	p.depth--
}

func (p *printer) resolvedMount(m *irv1.ResolvedMount) {
	p.node("mount")
	p.value(mountNames[m.Kind])
	p.fieldIf("target", m.Target)
	p.input("from", m.From)
	p.fieldIf("source", m.Source)
	p.fieldIf("id", m.Id)
	p.flag("sharing=private", m.Sharing == irv1.Sharing_SHARING_PRIVATE)
	p.flag("sharing=locked", m.Sharing == irv1.Sharing_SHARING_LOCKED)
	p.flag("readonly", m.Readonly)
	p.flag("required", m.Required)
	p.number("size", m.Size)
	if m.Mode != 0 {
		p.field("mode", "0"+strconv.FormatUint(uint64(m.Mode), 8))
	}
	p.number("uid", int64(m.Uid))
	p.number("gid", int64(m.Gid))
	p.fieldIf("env", m.Env)
	p.WriteByte('\n')
}

// mountNames are the names of mount types as RUN --mount=type= has them.
var mountNames = map[irv1.MountKind]string{
	irv1.MountKind_MOUNT_KIND_BIND:   "bind",
	irv1.MountKind_MOUNT_KIND_CACHE:  "cache",
	irv1.MountKind_MOUNT_KIND_TMPFS:  "tmpfs",
	irv1.MountKind_MOUNT_KIND_SECRET: "secret",
	irv1.MountKind_MOUNT_KIND_SSH:    "ssh",
}

func (p *printer) transfer(t *irv1.Transfer, text string) {
	if t.Add {
		p.node("add")
	} else {
		p.node("copy")
	}
	p.input("from", t.From)
	p.fieldIf("chown", t.Chown)
	p.fieldIf("chmod", t.Chmod)
	p.flag("link", t.Link)
	p.flag("parents", t.Parents)
	for _, x := range t.Exclude {
		p.field("exclude", x)
	}
	p.fieldIf("checksum", t.Checksum)
	p.flag("keep-git-dir", t.KeepGitDir)
	p.flag("unpack=always", t.Unpack == irv1.Unpack_UNPACK_ALWAYS)
	p.flag("unpack=never", t.Unpack == irv1.Unpack_UNPACK_NEVER)
	for _, s := range t.Sources {
		p.value(s)
	}
	p.WriteString(" ->")
	p.value(t.Destination)
	p.WriteByte('\n')
	p.source(text)
	for _, f := range t.Inline {
		p.child("inline", f.Name)
		for line := range strings.Lines(string(f.Content)) {
			p.child("|", line)
		}
	}
}

// config prints an image configuration, deeper than what it belongs to.
func (p *printer) config(c *irv1.ImageConfig) {
	p.depth++
	p.node("config")
	p.fieldIf("user", c.GetUser())
	p.fieldIf("workdir", c.GetWorkingDir())
	p.fieldIf("stopsignal", c.GetStopSignal())
	p.fieldIf("author", c.GetAuthor())
	p.WriteByte('\n')
	for _, e := range c.GetEnv() {
		p.child("env", e)
	}
	p.childIf("entrypoint", c.GetEntrypoint())
	p.childIf("cmd", c.GetCmd())
	p.childIf("shell", c.GetShell())
	p.keyValues("label", c.GetLabels())
	p.childIf("expose", c.GetExposedPorts())
	p.childIf("volume", c.GetVolumes())
	if h := c.GetHealthcheck(); h != nil {
		p.resolvedHealthcheck(h)
	}
	for _, t := range c.GetOnbuild() {
		p.child("onbuild", t)
	}
	p.depth--
}

func (p *printer) resolvedHealthcheck(h *irv1.ImageHealthcheck) {
	p.depth++
	p.node("healthcheck")
	p.number("interval", h.Interval)
	p.number("timeout", h.Timeout)
	p.number("start-period", h.StartPeriod)
	p.number("start-interval", h.StartInterval)
	p.number("retries", int64(h.Retries))
	for _, t := range h.Test {
		p.value(t)
	}
	p.WriteByte('\n')
	p.depth--
}

func (p *printer) keyValues(name string, list []*irv1.KeyValue) {
	p.depth++
	for _, kv := range list {
		p.node(name)
		p.value(kv.GetKey())
		p.WriteByte('=')
		p.WriteString(quoted(kv.GetValue()))
		p.WriteByte('\n')
	}
	p.depth--
}
