// SPDX-License-Identifier: Apache-2.0

package ir

import (
	"slices"
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// scriptDir is where the script of a here-document is run from, as with
// BuildKit.
const scriptDir = "/run/heredoc/"

// exec resolves RUN.
func (s *stage) exec(r *irv1.Run) *irv1.Exec {
	x := &irv1.Exec{
		User:     s.config.User,
		Workdir:  s.absolute(""),
		Network:  s.network(r.GetNetwork()),
		Security: s.security(r.GetSecurity()),
		Devices:  s.devices(r.GetDevices()),
	}
	s.runCommand(x, r.GetCommand())
	x.Mounts = s.mounts(r.GetMounts())
	x.Env = s.runEnv(r, x.Mounts)
	return x
}

// runCommand fills in what is run.
//
// A sole here-document with an interpreter line is a script; without one it is
// the command line. Beside a command, here-documents are put back behind it for
// the shell to read.
func (s *stage) runCommand(x *irv1.Exec, c *irv1.Command) {
	if !c.GetShell() {
		x.Argv = literal(c.GetWords())
		return
	}
	if script := interpreterScript(c); script != "" && s.out.Platform.GetOs() != "windows" {
		x.Argv = []string{scriptDir + c.Heredocs[0].Name}
		x.Script = []byte(script)
		return
	}
	if h := soleHeredoc(c); h != nil {
		x.Argv = s.withShell(h.Content)
		return
	}
	line := strings.Join(literal(c.Words), " ")
	for _, h := range c.Heredocs {
		line += "\n" + h.Content + h.Name
	}
	x.Argv = s.withShell(line)
}

// runEnv returns the complete environment of a command: the stage's, the proxy
// arguments, the ssh-agent's socket and the command's own variables, the later
// ones winning.
func (s *stage) runEnv(r *irv1.Run, mounts []*irv1.ResolvedMount) []string {
	env := s.withProxy(slices.Clone(s.env))
	ssh := slices.IndexFunc(mounts, func(m *irv1.ResolvedMount) bool { return m.Kind == irv1.MountKind_MOUNT_KIND_SSH })
	if _, set := getEnv(env, "SSH_AUTH_SOCK"); ssh >= 0 && !set {
		env = setEnv(env, "SSH_AUTH_SOCK", mounts[ssh].Target)
	}
	for _, kv := range s.pairs(&irv1.Pairs{Pairs: r.GetEnv()}) {
		env = setEnv(env, kv.Key, kv.Value)
	}
	return env
}

func (s *stage) network(w *irv1.Word) irv1.Network {
	switch w.GetText() {
	case "", "default":
		return irv1.Network_NETWORK_UNSPECIFIED
	case "none":
		return irv1.Network_NETWORK_NONE
	case "host":
		return irv1.Network_NETWORK_HOST
	}
	s.badValue("--network", w, "default, none and host")
	return irv1.Network_NETWORK_UNSPECIFIED
}

func (s *stage) security(w *irv1.Word) irv1.Security {
	switch w.GetText() {
	case "", "sandbox":
		return irv1.Security_SECURITY_UNSPECIFIED
	case "insecure":
		return irv1.Security_SECURITY_INSECURE
	}
	s.badValue("--security", w, "sandbox and insecure")
	return irv1.Security_SECURITY_UNSPECIFIED
}

// badValue reports a flag whose value is not one of a few.
func (s *stage) badValue(flag string, w *irv1.Word, allowed string) {
	s.error("bad-value", orElse(w.Range, s.step.Range), quote(w.Text)+" is not a value of "+flag, "the values are "+allowed)
}

// devices reads --device=name[,required][,name=…].
func (s *stage) devices(list []*irv1.Word) []*irv1.Device {
	var out []*irv1.Device
	for _, w := range list {
		d := &irv1.Device{}
		for field := range strings.SplitSeq(w.Text, ",") {
			s.deviceField(d, w, field)
		}
		if d.Name == "" {
			s.error("bad-device", orElse(w.Range, s.step.Range), "--device names no device", "write vendor.com/class=name")
		}
		out = append(out, d)
	}
	return out
}

// deviceField applies one comma-separated field of --device. A device's name
// may itself hold "=".
func (s *stage) deviceField(d *irv1.Device, w *irv1.Word, field string) {
	key, value, hasValue := strings.Cut(field, "=")
	switch strings.ToLower(key) {
	case "required":
		d.Required = true
		if hasValue {
			d.Required = s.boolean("required", value, w)
		}
	case "name":
		d.Name = value
	default:
		if d.Name != "" {
			s.error("bad-device", orElse(w.Range, s.step.Range), "unknown field "+quote(field)+" of --device", "the fields are name and required")
		}
		d.Name = field
	}
}

// boolean reads a truth value as Go's strconv does.
func (s *stage) boolean(name, value string, w *irv1.Word) bool {
	switch value {
	case "1", "t", "T", "true", "TRUE", "True":
		return true
	case "0", "f", "F", "false", "FALSE", "False":
		return false
	}
	s.error("bad-value", orElse(w.GetRange(), s.step.Range), quote(value)+" is not a value of "+name, "the values are true and false")
	return false
}
