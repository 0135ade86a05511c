// SPDX-License-Identifier: Apache-2.0

package ir

import (
	"path"
	"strconv"
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// mountKeys are the options of --mount, aliases included.
var mountKeys = [...]string{
	"type", "from", "source", "src", "target", "dst", "destination", "readonly", "ro", "readwrite", "rw",
	"required", "size", "id", "sharing", "mode", "uid", "gid", "env",
}

// mountOption returns the value of the last option of a mount with a key.
func mountOption(m *irv1.Mount, key string) *irv1.Word {
	var w *irv1.Word
	for _, o := range m.GetOptions() {
		if strings.EqualFold(o.GetKey().GetText(), key) {
			w = o.Value
		}
	}
	return w
}

// mount is one --mount on its way to being resolved.
type mount struct {
	*stage
	at   *diagv1.Range
	kind irv1.MountKind
	out  *irv1.ResolvedMount
	// values holds the expanded options under their main name.
	values map[string]string
	words  map[string]*irv1.Word
	bad    bool
}

// mounts resolves the mounts of a RUN.
func (s *stage) mounts(list []*irv1.Mount) []*irv1.ResolvedMount {
	var out []*irv1.ResolvedMount
	agents := 0
	for _, m := range list {
		x := s.mount(m, agents)
		if x == nil {
			continue
		}
		if x.Kind == irv1.MountKind_MOUNT_KIND_SSH {
			agents++
		}
		out = append(out, x)
	}
	return out
}

// mount resolves one mount, the agents-th of its kind if it is for ssh. It
// returns nil after reporting what is wrong.
func (s *stage) mount(m *irv1.Mount, agents int) *irv1.ResolvedMount {
	x := &mount{stage: s, at: orElse(m.Range, s.step.Range), values: map[string]string{}, words: map[string]*irv1.Word{}}
	x.read(m)
	x.setKind()
	if x.bad {
		return nil
	}
	x.out = &irv1.ResolvedMount{Kind: x.kind}
	x.common()
	switch x.kind {
	case irv1.MountKind_MOUNT_KIND_BIND:
		x.bind()
	case irv1.MountKind_MOUNT_KIND_CACHE:
		x.cache()
	case irv1.MountKind_MOUNT_KIND_TMPFS:
		x.tmpfs()
	case irv1.MountKind_MOUNT_KIND_SECRET:
		x.secret()
	case irv1.MountKind_MOUNT_KIND_SSH:
		x.ssh(agents)
	}
	if x.bad {
		return nil
	}
	return x.out
}

// fail reports the mount as wrong, at one of its options if that is known.
func (m *mount) fail(key, message, help string) {
	at := m.at
	if w := m.words[key]; w.GetRange() != nil {
		at = w.Range
	}
	m.error("bad-mount", at, message, help)
	m.bad = true
}

// read expands the options, all but from, and files them under their main
// names.
func (m *mount) read(src *irv1.Mount) {
	for _, o := range src.Options {
		key := strings.ToLower(o.GetKey().GetText())
		name := mainMountKey(key)
		m.words[name] = o.GetKey()
		if o.Value == nil {
			m.bare(name, key)
			continue
		}
		m.words[name] = o.Value
		value, ok := o.Value.Text, true
		if name != "from" {
			value, ok = m.word(o.Value)
		}
		m.bad = m.bad || !ok
		m.set(name, key, value)
	}
}

// mainMountKey returns the main name of an option. "" when there is no such
// option.
func mainMountKey(key string) string {
	switch key {
	case "src":
		return "source"
	case "dst", "destination":
		return "target"
	case "ro":
		return "readonly"
	case "rw":
		return "readwrite"
	}
	for _, k := range mountKeys {
		if k == key {
			return k
		}
	}
	return ""
}

// bare files an option without a value.
func (m *mount) bare(name, key string) {
	switch name {
	case "readonly", "readwrite", "required":
		m.set(name, key, "true")
	case "":
		m.set(name, key, "")
	default:
		m.fail(name, "the mount option "+quote(key)+" needs a value", "write "+key+"=…")
	}
}

// set files an option. readwrite is readonly, negated.
func (m *mount) set(name, key, value string) {
	switch name {
	case "":
		m.fail(name, quote(key)+" is not an option of --mount", didYouMean(key, mountKeys[:]))
	case "readwrite":
		m.words["readonly"] = m.words[name]
		m.values["readonly"] = strconv.FormatBool(!m.truth(key, value))
	case "readonly", "required":
		m.values[name] = strconv.FormatBool(m.truth(key, value))
	default:
		m.values[name] = value
	}
}

func (m *mount) truth(key, value string) bool {
	return m.boolean(key, value, m.words[mainMountKey(key)])
}

// setKind settles the type and refuses options that do not go with it.
func (m *mount) setKind() {
	name, ok := m.values["type"]
	if !ok {
		name = "bind"
	}
	name = strings.ToLower(name)
	for kind, n := range mountNames {
		if n == name {
			m.kind = kind
		}
	}
	if m.kind == irv1.MountKind_MOUNT_KIND_UNSPECIFIED {
		m.fail("type", quote(name)+" is not a type of mount", "the types are bind, cache, tmpfs, secret and ssh")
		return
	}
	allowed := mountAllows(m.kind)
	for _, key := range mountKeys {
		if _, given := m.values[key]; given && !strings.Contains(allowed, " "+key+" ") {
			m.fail(key, "a mount of type "+name+" has no option "+quote(key), "")
		}
	}
}

// mountAllows lists the options of a type. As with Docker, source of a tmpfs
// and the like are allowed and mean nothing.
func mountAllows(kind irv1.MountKind) string {
	const all = " type target readonly source id "
	switch kind {
	case irv1.MountKind_MOUNT_KIND_CACHE:
		return all + "from sharing mode uid gid env "
	case irv1.MountKind_MOUNT_KIND_TMPFS:
		return all + "from size env "
	case irv1.MountKind_MOUNT_KIND_SECRET:
		return all + "required mode uid gid env "
	case irv1.MountKind_MOUNT_KIND_SSH:
		return " type target readonly id from required mode uid gid env "
	}
	return all + "from env "
}

// common fills in what several types have.
func (m *mount) common() {
	m.out.Required = m.values["required"] == "true"
	m.out.Readonly = m.values["readonly"] == "true"
	m.out.Mode = m.number("mode", 8)
	m.out.Uid = m.number("uid", 10)
	m.out.Gid = m.number("gid", 10)
}

// number reads a whole number to a base. An option that is absent is 0.
func (m *mount) number(key string, base int) uint32 {
	text, ok := m.values[key]
	if !ok {
		return 0
	}
	n, err := strconv.ParseUint(text, base, 32)
	if err != nil {
		help := ""
		if base == 8 {
			help = "modes are octal, as in 0755"
		}
		m.fail(key, key+"="+text+" is not a number", help)
	}
	return uint32(n)
}

// readonlyByDefault makes a mount read-only unless the source says otherwise.
func (m *mount) readonlyByDefault() {
	_, said := m.values["readonly"]
	m.out.Readonly = m.out.Readonly || !said
}

// modeByDefault sets the mode unless the source says it.
func (m *mount) modeByDefault(mode uint32) {
	if _, said := m.values["mode"]; !said {
		m.out.Mode = mode
	}
}

// place makes the target absolute by the working directory.
func (m *mount) place() {
	m.out.Target = m.absolute(m.values["target"])
	if m.out.Target == "/" {
		m.fail("target", "a mount cannot be at the root", "give it a target")
	}
}

// input settles whose files a mount shows.
func (m *mount) input() {
	m.out.Source = m.inside(m.values["source"])
	if _, ok := m.values["from"]; !ok {
		m.out.From = &irv1.Input{Kind: irv1.InputKind_INPUT_KIND_CONTEXT}
		return
	}
	m.out.From = m.from(m.words["from"], "from", false)
	m.bad = m.bad || m.out.From == nil
}

// inside cleans a path inside an input.
func (m *mount) inside(p string) string {
	clean, ok := cleanRelative(p)
	if !ok {
		m.fail("source", "the source "+quote(p)+" leaves the files it is taken from", `write the path from their root, without ".."`)
	}
	return clean
}

func (m *mount) bind() {
	m.place()
	m.input()
	m.readonlyByDefault()
}

func (m *mount) cache() {
	m.place()
	m.modeByDefault(0o755)
	m.out.Id = m.values["id"]
	if m.out.Id == "" {
		m.out.Id = path.Clean(m.values["target"])
	}
	switch v := strings.ToLower(m.values["sharing"]); v {
	case "", "shared":
	case "private":
		m.out.Sharing = irv1.Sharing_SHARING_PRIVATE
	case "locked":
		m.out.Sharing = irv1.Sharing_SHARING_LOCKED
	default:
		m.fail("sharing", quote(v)+" is not a way to share a cache", "the values are shared, private and locked")
	}
	if _, ok := m.values["from"]; ok {
		m.input()
	}
}

func (m *mount) tmpfs() {
	m.place()
	size, ok := m.values["size"]
	if !ok {
		return
	}
	n, ok := parseSize(size)
	if !ok {
		m.fail("size", "size="+size+" is not a size", "write bytes, or a number with k, m, g or t")
	}
	m.out.Size = n
}

func (m *mount) secret() {
	m.readonlyByDefault()
	m.modeByDefault(0o400)
	id, source, target := m.values["id"], m.values["source"], m.values["target"]
	if id != "" && source != "" {
		m.fail("source", "a secret cannot have both an id and a source", "leave out source")
		return
	}
	id += source
	if id == "" && target != "" {
		id = path.Base(target)
	}
	if id == "" {
		m.fail("", "a secret needs an id or a target", "write id=…")
		return
	}
	m.out.Id = id
	env, asEnv := m.values["env"]
	if asEnv && env == "" {
		m.fail("env", "the variable for the secret has no name", "write env=NAME")
	}
	m.out.Env = env
	if target == "" && !asEnv {
		target = "/run/secrets/" + path.Base(id)
	}
	if target != "" {
		m.out.Target = path.Join("/", target)
	}
}

func (m *mount) ssh(agents int) {
	m.readonlyByDefault()
	m.modeByDefault(0o600)
	m.out.Id = m.values["id"]
	if m.out.Id == "" {
		m.out.Id = "default"
	}
	target := m.values["target"]
	if target == "" {
		target = "/run/buildkit/ssh_agent." + strconv.Itoa(agents)
	}
	m.out.Target = path.Join("/", target)
}

// parseSize reads a size in bytes with an optional unit of 1024s: "64m",
// "1.5 GiB", "10kb".
func parseSize(s string) (int64, bool) {
	i := strings.LastIndexAny(s, "0123456789. ")
	number, unit := strings.TrimSuffix(s[:i+1], " "), strings.ToLower(s[i+1:])
	f, err := strconv.ParseFloat(number, 64)
	if err != nil || f < 0 || !(f < 1<<63) || strings.ContainsAny(number, "eExX_+-") {
		return 0, false
	}
	if unit == "" || unit == "b" {
		return int64(f), true
	}
	power := strings.IndexByte("kmgtp", unit[0])
	if power < 0 || unit[1:] != "" && unit[1:] != "b" && unit[1:] != "ib" {
		return 0, false
	}
	for range power + 1 {
		f *= 1024
	}
	return int64(f), f < 1<<63
}
