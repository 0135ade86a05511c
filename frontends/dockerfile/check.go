// SPDX-License-Identifier: Apache-2.0

package dockerfile

import "strings"

// A checkConfig is what "# check=" asks for: which warnings are not wanted,
// and whether the others are errors.
type checkConfig struct {
	skipAll bool
	skip    uint64 // one bit for each rule
	asError bool
}

// skips reports whether r is not wanted.
func (c checkConfig) skips(r rule) bool {
	return rules[r].Severity != errorLevel && (c.skipAll || c.skip&(1<<r) != 0)
}

// parseCheck reads the value of a check directive: options parted by ";". bad
// is the first one that is none.
func parseCheck(value string) (c checkConfig, bad string) {
	for option := range strings.SplitSeq(value, ";") {
		key, arg, _ := strings.Cut(option, "=")
		arg = trimmed(arg)
		switch trimmed(key) {
		case "skip":
			c.skipRules(arg)
		case "error":
			b, ok := parseBool(arg)
			if !ok {
				return c, option
			}
			c.asError = b
		case "experimental": // BuildKit's; there is no experimental rule here
		default:
			return c, option
		}
	}
	return c, ""
}

// skipRules adds a list of rules. Names of rules that only BuildKit has are
// fine, and mean nothing.
func (c *checkConfig) skipRules(list string) {
	if list == "all" {
		c.skipAll = true
		return
	}
	for name := range strings.SplitSeq(list, ",") {
		name = trimmed(name)
		for r, known := range rules {
			if name == known.Code || known.BuildKit != "" && equalFold(name, known.BuildKit) {
				c.skip |= 1 << r
			}
		}
	}
}

// checkDirective obeys the check directive of the file.
func (p *parser) checkDirective(value string, d directive) {
	c, bad := parseCheck(value)
	if bad != "" {
		p.report(invalidDirective, d.value, "the check directive has no option "+quote(bad)).Help =
			"options are skip=RULE,RULE or skip=all, and error=true, parted by \";\""
		return
	}
	p.check = c
}

// lineCheck obeys a check directive in the comments above an instruction: it
// holds for that instruction, on top of the one of the file.
func (p *parser) lineCheck(comments []span) {
	p.skipHere = p.check
	for _, at := range comments {
		d, ok := parseDirective(p.src, at, "#")
		if !ok || d.name != "check" {
			continue
		}
		if c, bad := parseCheck(p.src[d.value.start:d.value.end]); bad == "" {
			p.skipHere.skipAll = p.skipHere.skipAll || c.skipAll
			p.skipHere.skip |= c.skip
		}
		return
	}
}

func trimmed(s string) string {
	start := skipSpace(s, 0, len(s))
	return s[start:trimSpace(s, start, len(s))]
}
