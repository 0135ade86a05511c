// SPDX-License-Identifier: Apache-2.0

package zimagefile

import (
	"strconv"
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

// args reads declarations of arguments, one step each.
func (p *parser) args(f *field) []*irv1.Step {
	var out []*irv1.Step
	for _, pair := range p.pairs(f, true, p.literal, p.value) {
		out = append(out, argStep(pair))
	}
	return out
}

// argStep declares one argument.
func argStep(pair *irv1.Pair) *irv1.Step {
	s := &irv1.Step{
		Range: join(pair.Key.Range, pair.Value.GetRange()),
		Op:    &irv1.Step_Arg{Arg: &irv1.Pairs{Pairs: []*irv1.Pair{pair}}},
	}
	s.Text = ir.StepText(s)
	return s
}

// join returns the range from the start of a to the end of b, or of a when
// there is no b or b is before a, as behind an alias.
func join(a, b *diagv1.Range) *diagv1.Range {
	r := a.CloneVT()
	if b != nil && (b.EndLine > r.EndLine || b.EndLine == r.EndLine && b.EndColumn > r.EndColumn) {
		r.EndLine, r.EndColumn, r.EndColumnUtf16 = b.EndLine, b.EndColumn, b.EndColumnUtf16
	}
	return r
}

// body reads what a stage does, args aside, in the order in which it takes
// effect: environment and folder first, what describes the image last.
func (p *parser) body(f fields, steps bool) []*irv1.Step {
	b := &body{parser: p, fields: f}
	b.pairs("env")
	b.word("workdir")
	if steps {
		b.steps = append(b.steps, p.steps(f.get("steps"))...)
	}
	b.pairs("labels")
	b.expose()
	b.word("user")
	b.volumes()
	b.healthcheck()
	b.stopsignal()
	b.command("entrypoint")
	b.command("cmd")
	return b.steps
}

// body gathers the steps that the keys of a stage come to.
type body struct {
	*parser
	fields
	steps []*irv1.Step
}

// add adds the step that a key comes to.
func (b *body) add(f *field, s *irv1.Step) {
	b.steps = append(b.steps, b.finish(s, f.whole(), f.key.start))
}

// finish fills in what all steps have. comment is where the comment above is
// looked for.
func (p *parser) finish(s *irv1.Step, at span, comment int) *irv1.Step {
	s.Range = p.rangeOf(at)
	s.Comment = p.commentAbove(comment)
	s.Text = ir.StepText(s)
	return s
}

func (b *body) pairs(name string) {
	f := b.get(name)
	list := b.parser.pairs(f, false, b.expanded, b.value)
	if len(list) == 0 {
		return
	}
	s := &irv1.Step{Op: &irv1.Step_Env{Env: &irv1.Pairs{Pairs: list}}}
	if name == "labels" {
		s.Op = &irv1.Step_Label{Label: &irv1.Pairs{Pairs: list}}
	}
	b.add(f, s)
}

func (b *body) word(name string) {
	f := b.get(name)
	if w := b.parser.word(f); w != nil {
		b.add(f, wordStep(name, w))
	}
}

func (b *body) stopsignal() {
	f := b.get("stopsignal")
	if w := b.checked(f, ir.IsSignal, "bad-signal", "a signal", "use a name such as SIGTERM, or a number"); w != nil {
		b.add(f, wordStep("stopsignal", w))
	}
}

// wordStep makes the step of an instruction with one word.
func wordStep(name string, w *irv1.Word) *irv1.Step {
	switch name {
	case "workdir":
		return &irv1.Step{Op: &irv1.Step_Workdir{Workdir: w}}
	case "user":
		return &irv1.Step{Op: &irv1.Step_User{User: w}}
	}
	return &irv1.Step{Op: &irv1.Step_Stopsignal{Stopsignal: w}}
}

// expose declares ports, one step each.
func (b *body) expose() {
	f := b.get("expose")
	if f == nil {
		return
	}
	for _, n := range b.texts(f, true) {
		if w := b.port(n); w != nil {
			s := &irv1.Step{Op: &irv1.Step_Expose{Expose: &irv1.Words{Words: []*irv1.Word{w}}}}
			b.steps = append(b.steps, b.finish(s, n.span, f.key.start))
		}
	}
}

// port reads PORT, PORT-PORT or either with /tcp, /udp or /sctp behind.
func (b *body) port(n *node) *irv1.Word {
	w := b.expanded(n)
	if strings.Contains(n.value, "$") {
		return w
	}
	ports, protocol, given := strings.Cut(n.value, "/")
	protocol = strings.ToLower(protocol)
	if given && protocol != "tcp" && protocol != "udp" && protocol != "sctp" {
		b.error(n.span, "bad-port", quote(n.value)+" has an unknown protocol").Help = "the protocols are tcp, udp and sctp"
		return nil
	}
	first, last, isRange := strings.Cut(ports, "-")
	if !isPort(first) || isRange && (!isPort(last) || atoi(first) > atoi(last)) {
		b.error(n.span, "bad-port", quote(n.value)+" is not a port").Help = `write a number up to 65535, or text such as "53/udp"`
		return nil
	}
	if given {
		w.Text = ports + "/" + protocol
	}
	return w
}

func isPort(s string) bool { return isDigits(s) && len(s) <= 5 && atoi(s) <= 65535 }

// atoi reads digits.
func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

func (b *body) volumes() {
	f := b.get("volumes")
	if f == nil {
		return
	}
	if list := b.words(b.texts(f, false)); len(list) > 0 {
		b.add(f, &irv1.Step{Op: &irv1.Step_Volume{Volume: &irv1.Words{Words: list}}})
	}
}

func (b *body) command(name string) {
	f := b.get(name)
	c := b.parser.command(f, true)
	if c == nil {
		return
	}
	s := &irv1.Step{Op: &irv1.Step_Cmd{Cmd: c}}
	if name == "entrypoint" {
		s.Op = &irv1.Step_Entrypoint{Entrypoint: c}
	}
	b.add(f, s)
}

func (b *body) healthcheck() {
	f := b.get("healthcheck")
	if f == nil {
		return
	}
	in, ok := b.parser.fields(f.value, `"healthcheck"`, healthKeys)
	if !ok {
		return
	}
	cmd := in.get("cmd")
	if cmd == nil {
		b.error(f.key.span, "missing-key", `"healthcheck" has no "cmd"`).Help = `add the command that checks, as in "cmd: curl -f http://localhost/"`
	}
	h := &irv1.Healthcheck{
		Test:        b.parser.command(cmd, false),
		Interval:    b.duration(in.get("interval")),
		Timeout:     b.duration(in.get("timeout")),
		StartPeriod: b.duration(in.get("start_period")),
		Retries:     b.retries(in.get("retries")),
	}
	if h.Test != nil {
		b.add(f, &irv1.Step{Op: &irv1.Step_Healthcheck{Healthcheck: h}})
	}
}

func (b *body) retries(f *field) *irv1.Word {
	n, ok := b.text(f)
	if !ok {
		return nil
	}
	if _, err := strconv.ParseInt(n.value, 10, 32); err != nil || !isDigits(n.value) {
		b.error(n.span, "bad-value", quote(n.value)+" is not a number of retries").Help = "write a whole number, 0 or more"
		return nil
	}
	return b.literal(n)
}
