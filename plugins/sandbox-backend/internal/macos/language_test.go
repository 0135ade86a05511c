// SPDX-License-Identifier: Apache-2.0

package macos

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Enough of the Sandbox Profile Language to judge by a profile: of the rules
// that match, the last one counts.

// node is a list, or a word or string.
type node struct {
	text string
	list []node
	leaf bool
}

// parseAll reads all lists of a text.
func parseAll(text string) (all []node, err error) {
	for {
		text = skip(text)
		if text == "" {
			return all, nil
		}
		n, rest, err := parse(text)
		if err != nil {
			return nil, err
		}
		all, text = append(all, n), rest
	}
}

// skip leaves out space and comments.
func skip(text string) string {
	for {
		text = strings.TrimLeft(text, " \n")
		if !strings.HasPrefix(text, ";") {
			return text
		}
		_, text, _ = strings.Cut(text, "\n")
	}
}

func parse(text string) (n node, rest string, err error) {
	switch {
	case text == "":
		return node{}, "", errors.New("the text ends")
	case text[0] == '(':
		return parseList(text[1:])
	case text[0] == '"':
		return parseString(text[1:])
	case strings.HasPrefix(text, `#"`):
		end := strings.Index(text[2:], `"`)
		if end < 0 {
			return node{}, "", errors.New("an expression does not end")
		}
		return node{text: text[2 : 2+end], leaf: true}, text[2+end+1:], nil
	}
	end := strings.IndexAny(text, " \n()\";")
	if end <= 0 {
		return node{}, "", fmt.Errorf("unexpected %.20q", text)
	}
	return node{text: text[:end], leaf: true}, text[end:], nil
}

func parseList(text string) (n node, rest string, err error) {
	for {
		text = skip(text)
		if strings.HasPrefix(text, ")") {
			return n, text[1:], nil
		}
		item, rest, err := parse(text)
		if err != nil {
			return node{}, "", err
		}
		n.list, text = append(n.list, item), rest
	}
}

func parseString(text string) (n node, rest string, err error) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			return node{text: b.String(), leaf: true}, text[i+1:], nil
		case '\\':
			i++
			if i == len(text) || !strings.ContainsRune(`nrt"\`, rune(text[i])) {
				return node{}, "", errors.New("a bad escape")
			}
			b.WriteString(map[byte]string{'n': "\n", 'r': "\r", 't': "\t"}[text[i]])
			if text[i] == '"' || text[i] == '\\' {
				b.WriteByte(text[i])
			}
		default:
			b.WriteByte(text[i])
		}
	}
	return node{}, "", errors.New("a string does not end")
}

// rules are those of a profile.
type rules []node

func rulesOf(t *testing.T, p Profile) rules {
	t.Helper()
	text, err := p.Text()
	if err != nil {
		t.Fatal(err)
	}
	all, err := parseAll(text)
	if err != nil {
		t.Fatal(err)
	}
	if all[0].list[0].text != "version" || all[1].list[1].text != "default" {
		t.Fatalf("it begins with %v", all[:2])
	}
	return all[1:]
}

// allows judges an operation on a path.
func (r rules) allows(operation, path string) bool {
	return r.judge(operation, func(f node) bool {
		if len(f.list) != 2 {
			return false
		}
		arg := f.list[1].text
		switch f.list[0].text {
		case "literal":
			return path == arg
		case "subpath":
			return path == arg || strings.HasPrefix(path, arg+"/")
		case "regex":
			return regexp.MustCompile(arg).MatchString(path)
		}
		return false
	})
}

// allowsAt judges an operation with a filter like "remote unix-socket".
func (r rules) allowsAt(operation, filter, value string) bool {
	words := strings.Fields(filter)
	return r.judge(operation, func(f node) bool {
		for i, w := range words {
			if i >= len(f.list) || f.list[i].text != w {
				return false
			}
		}
		rest := f.list[len(words):]
		switch {
		case len(rest) == 0:
			return true
		case rest[0].leaf:
			return rest[0].text == value
		}
		return rules{{list: []node{{text: "allow"}, {text: "x"}, rest[0]}}}.allows("x", value)
	})
}

// judge finds the last rule about an operation of which a filter matches.
func (r rules) judge(operation string, match func(filter node) bool) bool {
	allowed := false
	for _, rule := range r {
		var operations, filters []node
		for _, n := range rule.list[1:] {
			if n.leaf || n.list == nil {
				operations = append(operations, n)
			} else {
				filters = append(filters, n)
			}
		}
		if !slices.ContainsFunc(operations, func(n node) bool { return covers(n.text, operation) }) {
			continue
		}
		if len(filters) == 0 || slices.ContainsFunc(filters, match) {
			allowed = rule.list[0].text == "allow"
		}
	}
	return allowed
}

// covers says whether a name of operations covers one: "file-read*" does
// "file-read-data".
func covers(name, operation string) bool {
	prefix, all := strings.CutSuffix(name, "*")
	return name == "default" || name == operation || (all && strings.HasPrefix(operation, prefix))
}
