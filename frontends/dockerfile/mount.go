// SPDX-License-Identifier: Apache-2.0

package dockerfile

import (
	"strconv"
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// The kinds of mount, as bits.
const (
	bindMount = 1 << iota
	cacheMount
	tmpfsMount
	secretMount
	sshMount
	anyMount = 1<<iota - 1
)

// mountKinds are the values of type, in the order of the bits.
var mountKinds = [...]string{"bind", "cache", "tmpfs", "secret", "ssh"}

// mountOption is one option of a --mount.
type mountOption struct {
	name string
	// main is the name it is an alias of, or name.
	main string
	// kinds are those that have it.
	kinds int
	// bare says that it may stand without a value.
	bare bool
	// wrong says what is wrong with a value, "" when nothing is. Nil: any goes.
	wrong func(string) string
}

var mountOptions = [...]mountOption{
	{"destination", "target", anyMount, false, nil},
	{"dst", "target", anyMount, false, nil},
	{"env", "env", anyMount, false, nil},
	{"from", "from", anyMount &^ secretMount, false, nil},
	{"gid", "gid", cacheMount | secretMount | sshMount, false, wrongID},
	{"id", "id", anyMount, false, nil},
	{"mode", "mode", cacheMount | secretMount | sshMount, false, wrongOctal},
	{"readonly", "readonly", anyMount, true, wrongBool},
	{"readwrite", "readwrite", anyMount, true, wrongBool},
	{"required", "required", secretMount | sshMount, true, wrongBool},
	{"ro", "readonly", anyMount, true, wrongBool},
	{"rw", "readwrite", anyMount, true, wrongBool},
	{"sharing", "sharing", cacheMount, false, nil},
	{"size", "size", tmpfsMount, false, wrongSize},
	{"source", "source", anyMount, false, nil},
	{"src", "source", anyMount, false, nil},
	{"target", "target", anyMount, false, nil},
	{"type", "type", anyMount, false, nil},
	{"uid", "uid", cacheMount | secretMount | sshMount, false, wrongID},
}

func findMountOption(name string) *mountOption {
	for i := range mountOptions {
		if equalFold(mountOptions[i].name, name) {
			return &mountOptions[i]
		}
	}
	return nil
}

// mount builds one --mount and checks it.
func (p *parser) mount(f *flag) *irv1.Mount {
	m := &irv1.Mount{Range: p.rangeOf(p.line.source(f.whole.start, f.whole.end))}
	options, ok := csvFields(f.value)
	if !ok {
		p.fault(invalidMount, f.value.span, "the quotes of the options are wrong").Help =
			`a quote stands around a whole option: "source=a,b"`
		return m
	}
	kind := p.mountKind(options)
	var given uint32 // a bit for each of mountOptions
	for _, o := range options {
		key, value, hasValue := o.cutEquals()
		x := &irv1.Pair{Key: p.word(key)}
		if hasValue {
			x.Value = p.word(value)
		}
		m.Options = append(m.Options, x)
		given |= p.mountOption(o, key, value, hasValue, kind)
	}
	if kind == secretMount {
		p.checkSecret(f, given)
	}
	return m
}

// mountKind returns the bit of the mount's type; all of them when it depends
// on a variable or is unknown, which is reported.
func (p *parser) mountKind(options []word) int {
	kind := bindMount
	for _, o := range options {
		key, value, ok := o.cutEquals()
		if !ok || !equalFold(key.text, "type") {
			continue
		}
		kind = anyMount
		for i, name := range mountKinds {
			if equalFold(name, value.text) {
				kind = 1 << i
			}
		}
		if kind == anyMount && !hasVariable(value.text) {
			p.notOneOf(value, mountKinds[:], "there is no mount of type ")
		}
	}
	return kind
}

// notOneOf reports a value that is none of names.
func (p *parser) notOneOf(value word, names []string, message string) {
	d := p.fault(invalidMount, value.span, message+quote(value.text))
	p.meant(d, value, names, "")
	help(d, "it is one of "+strings.Join(names, ", "))
}

// mountOption checks one option of a mount of that kind, and returns its bit.
func (p *parser) mountOption(whole, key, value word, hasValue bool, kind int) uint32 {
	o := findMountOption(key.text)
	switch {
	case o == nil && !hasValue && hasVariable(key.text):
		return 0
	case o == nil:
		p.unknownMountOption(whole, key)
		return 0
	case !hasValue && !o.bare:
		p.fault(invalidMount, key.span, quote(key.text)+" needs a value").Help = "write " + o.name + "=value"
		return 0
	case kind&o.kinds == 0:
		p.fault(invalidMount, key.span, "a mount of type "+kindName(kind)+" has no "+quote(key.text))
		return 0
	}
	if hasValue {
		p.checkMountValue(o, value)
	}
	if hasValue && value.text == "" {
		return 0
	}
	return 1 << optionIndex(o.main)
}

func (p *parser) unknownMountOption(whole, key word) {
	if key.text == "" {
		p.fault(invalidMount, whole.span, "an option of the mount is empty")
		return
	}
	names := make([]string, len(mountOptions))
	for i, o := range mountOptions {
		names[i] = o.name
	}
	d := p.fault(unknownMountOption, key.span, "a mount has no option "+quote(key.text))
	p.meant(d, key, names, "")
}

// checkMountValue checks the value of an option.
func (p *parser) checkMountValue(o *mountOption, value word) {
	p.checkExpansion(value)
	switch {
	case o.name == "from":
		p.mountFrom(value)
	case hasVariable(value.text) || strings.ContainsAny(value.text, "'\"\\`"):
	case o.name == "sharing":
		if sharing := [...]string{"shared", "private", "locked"}; !containsFold(sharing[:], value.text) {
			p.notOneOf(value, sharing[:], "a cache cannot be shared as ")
		}
	case o.wrong != nil:
		if wrong := o.wrong(value.text); wrong != "" {
			p.fault(invalidMount, value.span, o.name+": "+wrong)
		}
	}
}

// mountFrom checks from, in which Docker expands no variable.
func (p *parser) mountFrom(value word) {
	if i := strings.IndexByte(value.text, '$'); i >= 0 && i != len(value.text)-1 {
		p.fault(variableNotSupported, value.span, "from cannot hold a variable").Help =
			"begin a stage with the variable, FROM ... AS name, and mount from that stage"
		return
	}
	p.useStage(value, false)
}

// checkSecret checks what a secret needs.
func (p *parser) checkSecret(f *flag, given uint32) {
	has := func(name string) bool { return given&(1<<optionIndex(name)) != 0 }
	switch {
	case has("source") && has("id"):
		p.fault(invalidMount, f.value.span, `"id" and "source" of a secret are the same thing: give one of them`)
	case !has("source") && !has("id") && !has("target"):
		p.fault(invalidMount, f.value.span, "a secret needs an id: id=name")
	}
}

func optionIndex(name string) int {
	for i := range mountOptions {
		if mountOptions[i].name == name {
			return i
		}
	}
	return len(mountOptions)
}

func kindName(kind int) string {
	for i, name := range mountKinds {
		if kind == 1<<i {
			return name
		}
	}
	return ""
}

func containsFold(list []string, s string) bool {
	for _, x := range list {
		if equalFold(x, s) {
			return true
		}
	}
	return false
}

// device builds one --device: a name, and whether it must be there.
func (p *parser) device(f *flag) *irv1.Word {
	options, ok := csvFields(f.value)
	if !ok {
		p.fault(invalidFlagValue, f.value.span, "--device: the quotes are wrong")
	}
	named := false
	for _, o := range options {
		key, value, hasValue := o.cutEquals()
		switch {
		case equalFold(key.text, "required"):
			if _, err := strconv.ParseBool(value.text); hasValue && err != nil && !hasVariable(value.text) {
				p.fault(invalidFlagValue, value.span, "--device: required "+wrongBool(value.text))
			}
		case named:
			p.fault(invalidFlagValue, o.span, "--device: unexpected "+quote(o.text)+" after the name")
		default:
			named = true
		}
	}
	return p.word(f.value)
}

// csvFields splits w around its commas. Quotes around a whole field protect
// commas; a doubled quote inside is one quote (RFC 4180).
func csvFields(w word) ([]word, bool) {
	var list []word
	for i := 0; ; i++ {
		if i < len(w.text) && w.text[i] == '"' {
			field, end, ok := quotedCSVField(w, i)
			if !ok || end < len(w.text) && w.text[end] != ',' {
				return list, false
			}
			list = append(list, field)
			i = end
		} else {
			start := i
			for i < len(w.text) && w.text[i] != ',' {
				if w.text[i] == '"' {
					return list, false
				}
				i++
			}
			list = append(list, w.part(start, i))
		}
		if i >= len(w.text) {
			return list, true
		}
	}
}

// quotedCSVField reads the field whose opening quote is at start.
func quotedCSVField(w word, start int) (field word, end int, ok bool) {
	var u unquoted
	doubled := false
	for i := start + 1; i < len(w.text); i++ {
		if w.text[i] == '"' {
			if i+1 == len(w.text) || w.text[i+1] != '"' {
				if !doubled {
					return w.part(start+1, i), i + 1, true
				}
				at := w.part(start+1, i).span
				return u.word(at.start, at.end), i + 1, true
			}
			i++
			doubled = true
		}
		u.text = append(u.text, w.text[i])
		u.offsets = append(u.offsets, w.part(i, i+1).start)
	}
	return word{}, 0, false
}
