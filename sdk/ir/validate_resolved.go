// SPDX-License-Identifier: Apache-2.0

package ir

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// ValidateResolved checks a build against all invariants of the resolved state:
// that it is closed, that its features are known and right, that every index
// points at something earlier, and that paths are absolute or relative, and
// clean, as they must be. The error is an *InvalidError.
func ValidateResolved(b *irv1.ResolvedBuild) error {
	if b == nil {
		return &InvalidError{Problem: "it is missing"}
	}
	if open := b.Open(); open != "" {
		return openError(open)
	}
	v := &validator{}
	for _, id := range b.Features {
		f, ok := LookupFeature(id)
		v.require(ok && f.Resolved, "features", quote(id)+" is not a known feature of a resolved build")
	}
	want := Features(b)
	v.require(slices.Equal(b.Features, want), "features", "it does not list exactly what the build needs: "+strings.Join(want, " "))
	if w := b.GetWasm(); w != nil {
		v.resolvedWasm(w)
	}
	if c := b.GetContainer(); c != nil {
		v.resolvedContainer(c)
	}
	if v.err != nil {
		return v.err
	}
	return nil
}

func (v *validator) resolvedWasm(w *irv1.ResolvedWasm) {
	v.require(w.Language != "", "wasm.language", "it is missing")
	v.require(w.Target != "", "wasm.target", "it is missing")
	v.all("wasm.labels", len(w.Labels), func(i int) bool { return w.Labels[i].GetKey() != "" })
	for i, o := range w.Options {
		p := item("wasm", "options", i)
		v.wasmOption(p, o.GetName(), len(o.GetValues()))
		v.require(i == 0 || w.Options[i-1].GetName() < o.GetName(), p, "it is out of order")
	}
}

// scope is what the inputs of a stage may point at.
type scope struct {
	*validator
	build  *irv1.ResolvedContainer
	stages int // the number of earlier stages
}

func (v *validator) resolvedContainer(c *irv1.ResolvedContainer) {
	const p = "container"
	for i, img := range c.Images {
		v.image(item(p, "images", i), img)
	}
	v.require(len(c.Contexts) > 0 && c.Contexts[0] == "", p+".contexts", `the first one is not "", the main context`)
	for i, name := range c.Contexts {
		v.require(slices.Index(c.Contexts, name) == i, item(p, "contexts", i), "it is there twice")
	}
	v.require(len(c.Stages) > 0, p+".stages", "there is no stage")
	for i, s := range c.Stages {
		scope := &scope{validator: v, build: c, stages: i}
		scope.stage(item(p, "stages", i), s)
	}
	if v.err == nil {
		v.reached(c.Stages)
	}
}

// reached requires that the last stage needs all others. Every stage is known to
// need only earlier ones.
func (v *validator) reached(stages []*irv1.ResolvedStage) {
	needed := make([]bool, len(stages))
	needed[len(stages)-1] = true
	for i, s := range slices.Backward(stages) {
		v.require(needed[i], item("container", "stages", i), "the target does not need it")
		for _, in := range stageInputs(s) {
			if in.GetKind() == irv1.InputKind_INPUT_KIND_STAGE {
				needed[in.GetIndex()] = true
			}
		}
	}
}

// stageInputs are the file trees that a stage starts from and reads.
func stageInputs(s *irv1.ResolvedStage) []*irv1.Input {
	list := []*irv1.Input{s.GetBase()}
	for _, step := range s.GetSteps() {
		list = append(list, step.GetTransfer().GetFrom())
		for _, m := range step.GetExec().GetMounts() {
			list = append(list, m.GetFrom())
		}
	}
	return list
}

func (v *validator) image(p string, img *irv1.Image) {
	v.require(img != nil, p, "it is missing")
	full, err := NormalizeReference(img.GetReference())
	v.require(err == nil && full == img.GetReference(), p+".reference", "it is not a full image reference")
	v.require(validDigest(img.GetDigest()), p+".digest", "it is not a digest")
	v.platform(p+".platform", img.GetPlatform())
	v.require(img.GetConfig() != nil, p+".config", "it is missing")
}

func (v *validator) platform(p string, x *irv1.Platform) {
	v.require(x.GetOs() != "" && x.GetArchitecture() != "", p, "it is incomplete")
}

func (v *validator) config(p string, c *irv1.ImageConfig) {
	v.require(c != nil, p, "it is missing")
	v.env(p+".env", c.GetEnv())
	labels := c.GetLabels()
	v.all(p+".labels", len(labels), func(i int) bool {
		return labels[i] != nil && (i == 0 || labels[i-1].Key < labels[i].Key)
	})
	v.require(slices.IsSorted(c.GetExposedPorts()), p+".exposed_ports", "they are not sorted")
	v.require(slices.IsSorted(c.GetVolumes()), p+".volumes", "they are not sorted")
	if h := c.GetHealthcheck(); h != nil {
		v.require(h.Interval >= 0 && h.Timeout >= 0 && h.StartPeriod >= 0 && h.StartInterval >= 0 && h.Retries >= 0,
			p+".healthcheck", "a number is negative")
	}
}

// env requires "KEY=value", no key twice.
func (v *validator) env(p string, list []string) {
	seen := map[string]bool{}
	for i, kv := range list {
		key, _, ok := strings.Cut(kv, "=")
		v.require(ok && key != "", p+"["+strconv.Itoa(i)+"]", "it is not KEY=value")
		v.require(!seen[key], p+"["+strconv.Itoa(i)+"]", "its key is there twice")
		seen[key] = true
	}
}

func (s *scope) stage(p string, x *irv1.ResolvedStage) {
	s.require(x != nil, p, "it is missing")
	s.require(x.GetName() != "", p+".name", "it is missing")
	s.platform(p+".platform", x.GetPlatform())
	s.config(p+".config", x.GetConfig())
	s.input(p+".base", x.GetBase())
	s.require(x.GetBase().GetKind() != irv1.InputKind_INPUT_KIND_CONTEXT, p+".base", "a context cannot be a base")
	for i, step := range x.GetSteps() {
		s.step(item(p, "steps", i), step)
	}
}

// input requires an input that points at something earlier.
func (s *scope) input(p string, in *irv1.Input) {
	n := 0
	switch in.GetKind() {
	case irv1.InputKind_INPUT_KIND_SCRATCH:
		n = 1
	case irv1.InputKind_INPUT_KIND_STAGE:
		n = s.stages
	case irv1.InputKind_INPUT_KIND_IMAGE:
		n = len(s.build.Images)
	case irv1.InputKind_INPUT_KIND_CONTEXT:
		n = len(s.build.Contexts)
	default:
		s.require(false, p, "its kind is not set")
	}
	s.require(int64(in.GetIndex()) < int64(n), p, "its index points at nothing earlier")
}

func (s *scope) step(p string, x *irv1.ResolvedStep) {
	s.require(x != nil, p, "it is missing")
	switch op := x.GetOp().(type) {
	case *irv1.ResolvedStep_Exec:
		s.exec(p+".exec", op.Exec)
	case *irv1.ResolvedStep_Transfer:
		s.transfer(p+".transfer", op.Transfer)
	case *irv1.ResolvedStep_MakeDir:
		s.require(isCleanAbs(op.MakeDir.GetPath()), p+".make_dir.path", "it is not absolute and clean")
	case *irv1.ResolvedStep_Metadata:
		s.require(op.Metadata != nil, p+".metadata", "it is missing")
	}
}

func (s *scope) exec(p string, x *irv1.Exec) {
	s.require(len(x.GetArgv()) > 0, p+".argv", "it is empty")
	s.require(isCleanAbs(x.GetWorkdir()), p+".workdir", "it is not absolute and clean")
	s.env(p+".env", x.GetEnv())
	for i, m := range x.GetMounts() {
		s.mount(item(p, "mounts", i), m)
	}
	s.all(p+".devices", len(x.GetDevices()), func(i int) bool { return x.Devices[i].GetName() != "" })
	s.require(x.GetNetwork() >= 0 && x.GetNetwork() <= irv1.Network_NETWORK_HOST, p+".network", "it is unknown")
	s.require(x.GetSecurity() >= 0 && x.GetSecurity() <= irv1.Security_SECURITY_INSECURE, p+".security", "it is unknown")
	if len(x.GetScript()) > 0 && s.err == nil {
		s.require(isCleanAbs(x.Argv[0]), p+".argv", "a script is not at an absolute path")
	}
}

func (s *scope) mount(p string, m *irv1.ResolvedMount) {
	s.require(m != nil, p, "it is missing")
	kind := m.GetKind()
	s.require(mountNames[kind] != "", p+".kind", "it is not set")
	variable := kind == irv1.MountKind_MOUNT_KIND_SECRET && m.GetEnv() != ""
	s.require(isCleanAbs(m.GetTarget()) || variable && m.GetTarget() == "", p+".target", "it is not absolute and clean")
	s.require(m.GetEnv() == "" || variable, p+".env", "only a secret has one")
	s.require(m.GetSize() >= 0, p+".size", "it is negative")
	s.require(m.GetSharing() >= 0 && m.GetSharing() <= irv1.Sharing_SHARING_LOCKED, p+".sharing", "it is unknown")
	switch kind {
	case irv1.MountKind_MOUNT_KIND_CACHE, irv1.MountKind_MOUNT_KIND_SECRET, irv1.MountKind_MOUNT_KIND_SSH:
		s.require(m.GetId() != "", p+".id", "it is missing")
	}
	if m.GetFrom() == nil {
		s.require(kind != irv1.MountKind_MOUNT_KIND_BIND, p+".from", "it is missing")
		return
	}
	s.require(kind == irv1.MountKind_MOUNT_KIND_BIND || kind == irv1.MountKind_MOUNT_KIND_CACHE, p+".from", "a mount of this kind has none")
	s.input(p+".from", m.From)
	s.require(isInside(m.Source), p+".source", "it is not relative and clean")
}

func (s *scope) transfer(p string, t *irv1.Transfer) {
	s.input(p+".from", t.GetFrom())
	s.require(len(t.GetSources())+len(t.GetInline()) > 0, p+".sources", "there are none")
	dest := t.GetDestination()
	s.require(dest == "/" || isCleanAbs(strings.TrimSuffix(dest, "/")), p+".destination", "it is not absolute and clean")
	for i, src := range t.GetSources() {
		remote := t.Add && Remote(src) != RemoteNone
		s.require(remote || isSource(src, t.Parents), item(p, "sources", i), "it is not relative and clean")
	}
	s.all(p+".inline", len(t.GetInline()), func(i int) bool { return t.Inline[i].GetName() != "" })
	s.require(t.GetChmod() == "" || IsMode(t.Chmod), p+".chmod", "it is not a file mode")
	s.require(t.GetUnpack() >= 0 && t.GetUnpack() <= irv1.Unpack_UNPACK_NEVER, p+".unpack", "it is unknown")
	addOnly := t.GetChecksum() != "" || t.GetKeepGitDir() || t.GetUnpack() != irv1.Unpack_UNPACK_UNSPECIFIED
	s.require(t.GetAdd() || !addOnly, p, "COPY has options of ADD")
}

func isCleanAbs(p string) bool { return strings.HasPrefix(p, "/") && path.Clean(p) == p }

// isInside says whether p is relative, clean and does not leave its root.
func isInside(p string) bool {
	clean, ok := cleanRelative(p)
	return ok && clean == p
}

// isSource is isInside for a source, which with --parents may hold "/./".
func isSource(p string, parents bool) bool {
	clean, ok := cleanSource(p, parents)
	return ok && clean == p
}
