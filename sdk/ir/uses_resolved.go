// SPDX-License-Identifier: Apache-2.0

package ir

import "github.com/zlayer/zlayer/sdk/gen/irv1"

// Features returns the id of every feature a backend must have to build b,
// sorted: what ResolvedBuild.features says.
func Features(b *irv1.ResolvedBuild) []string { return ids(Uses(b)) }

// Uses returns every place of a resolved build that needs a feature of the
// backend, in order: what a planner names when no backend has it.
func Uses(b *irv1.ResolvedBuild) []Use {
	u := &uses{stage: -1, step: -1}
	if w := b.GetWasm(); w != nil {
		u.rng = w.Range
		u.need("wasm."+w.Language, nil)
		u.need("wasm."+w.Target, nil)
		for _, o := range w.Options {
			u.need("wasm."+o.GetName(), o.GetRange())
		}
	}
	for i, s := range b.GetContainer().GetStages() {
		for j, step := range s.GetSteps() {
			u.stage, u.step, u.text, u.rng = i, j, step.GetText(), step.GetRange()
			u.resolved(step)
		}
	}
	return u.list
}

func (u *uses) resolved(s *irv1.ResolvedStep) {
	switch op := s.GetOp().(type) {
	case *irv1.ResolvedStep_Exec:
		u.exec(op.Exec)
	case *irv1.ResolvedStep_Transfer:
		u.transfer(op.Transfer)
	case *irv1.ResolvedStep_MakeDir:
		u.need("make-dir", nil)
	}
}

func (u *uses) exec(x *irv1.Exec) {
	u.need("exec", nil)
	u.needIf(len(x.Script) > 0, "exec.script", nil)
	u.needIf(!isRoot(x.User), "exec.user", nil)
	for _, m := range x.Mounts {
		u.resolvedMount(m)
	}
	u.needIf(x.Network == irv1.Network_NETWORK_NONE, "exec.network.none", nil)
	u.needIf(x.Network == irv1.Network_NETWORK_HOST, "exec.network.host", nil)
	u.needIf(x.Security == irv1.Security_SECURITY_INSECURE, "exec.security.insecure", nil)
	u.needIf(len(x.Devices) > 0, "exec.device", nil)
}

// isRoot says whether a user, as USER says it, is plainly root.
func isRoot(user string) bool {
	switch user {
	case "", "0", "root", "0:0", "root:root":
		return true
	}
	return false
}

func (u *uses) resolvedMount(m *irv1.ResolvedMount) {
	switch m.Kind {
	case irv1.MountKind_MOUNT_KIND_BIND:
		u.need("exec.mount.bind", nil)
	case irv1.MountKind_MOUNT_KIND_CACHE:
		u.need("exec.mount.cache", nil)
	case irv1.MountKind_MOUNT_KIND_TMPFS:
		u.need("exec.mount.tmpfs", nil)
	case irv1.MountKind_MOUNT_KIND_SECRET:
		u.need("exec.mount.secret", nil)
		u.needIf(m.Env != "", "exec.mount.secret.env", nil)
	case irv1.MountKind_MOUNT_KIND_SSH:
		u.need("exec.mount.ssh", nil)
	}
}

func (u *uses) transfer(t *irv1.Transfer) {
	u.from(t)
	u.needIf(len(t.Inline) > 0, "copy.inline", nil)
	u.needIf(t.Chown != "", "copy.chown", nil)
	u.needIf(t.Chmod != "", "copy.chmod", nil)
	u.needIf(t.Chmod != "" && !isOctal(t.Chmod), "copy.chmod.symbolic", nil)
	u.needIf(t.Link, "copy.link", nil)
	u.needIf(t.Parents, "copy.parents", nil)
	u.needIf(len(t.Exclude) > 0, "copy.exclude", nil)
	u.needIf(t.Checksum != "", "add.checksum", nil)
	u.needIf(t.KeepGitDir, "add.keep-git-dir", nil)
	u.needIf(t.Unpack != irv1.Unpack_UNPACK_UNSPECIFIED, "add.unpack", nil)
}

// from records the kind of a transfer and where its files come from.
func (u *uses) from(t *irv1.Transfer) {
	if t.Add {
		u.need("add", nil)
		for _, s := range t.Sources {
			u.remote(s, nil)
		}
		return
	}
	u.need("copy", nil)
	switch in := t.GetFrom(); in.GetKind() {
	case irv1.InputKind_INPUT_KIND_STAGE:
		u.need("copy.from.stage", nil)
	case irv1.InputKind_INPUT_KIND_IMAGE:
		u.need("copy.from.image", nil)
	case irv1.InputKind_INPUT_KIND_CONTEXT:
		u.needIf(in.GetIndex() > 0, "copy.from.context", nil)
	}
}
