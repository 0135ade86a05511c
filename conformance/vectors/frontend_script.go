// SPDX-License-Identifier: Apache-2.0

package vectors

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Verb is what a line of a script does.
type Verb string

// The verbs. The lines "send", "frame" and "raw" of a script are all Write.
const (
	// Write writes Op.Bytes to the frontend's stdin.
	Write Verb = "write"
	// Close ends its stdin.
	Close Verb = "close"
	// Restart goes on with another instance.
	Restart Verb = "restart"
	// Slowly makes every byte from here on a write of its own.
	Slowly Verb = "slowly"
	// WantParse wants the next answer to be a parse response with Op.ID.
	WantParse Verb = "want parse"
	// WantFailure wants it to be a failure with Op.Code.
	WantFailure Verb = "want failure"
	// WantSame wants it to have the bytes of the script's first answer.
	WantSame Verb = "want same"
	// WantExit wants no further answer, and the end: with 0 or, when Op.Code is
	// "nonzero", with another code.
	WantExit Verb = "want exit"
)

// Op is one step of a script.
type Op struct {
	// Line is its line in the script, from 1, and Text what stands there.
	Line int
	Text string
	// Verb is what it does.
	Verb Verb
	// Bytes are what is written.
	Bytes []byte
	// ID is the id of the answer. It counts when AnyID is not set.
	ID    uint64
	AnyID bool
	// Code is the class of a failure, "unimplemented", "invalid-request" or
	// "internal"; or the exit code, "0" or "nonzero".
	Code string
}

// Script reads the vector's script. file is what $FILE stands for.
func (f *Frontend) Script(file string) ([]Op, error) {
	text, _ := f.Vector.File("@script")
	s := script{file: file, open: -1}
	for line := range strings.Lines(string(text)) {
		s.number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if err := s.line(line); err != nil {
			return nil, fmt.Errorf("@script: line %d, %.80s: %w", s.number, line, err)
		}
	}
	if s.open >= 0 {
		return nil, fmt.Errorf("@script: a repeat has no end")
	}
	return s.ops, nil
}

// checkScript requires a script that can be read and comes to what the header
// expects.
func (f *Frontend) checkScript() error {
	ops, err := f.Script("x")
	if err != nil {
		return err
	}
	if len(f.Files) != 1 {
		return fmt.Errorf("there are files beside the script")
	}
	comes := "ok"
	for _, op := range ops {
		switch {
		case op.Verb == WantFailure:
			comes = "failure " + op.Code
		case op.Verb == WantExit && op.Code != "0":
			comes = "exit nonzero"
		}
	}
	if comes != f.Expect {
		return fmt.Errorf("expect: the script comes to %q", comes)
	}
	return nil
}

// script is a script that is being read.
type script struct {
	file   string
	number int
	ops    []Op
	open   int // where the open repeat begins in ops; -1 for none
	times  int
}

func (s *script) line(text string) error {
	verb, rest, _ := strings.Cut(text, " ")
	op := Op{Line: s.number, Text: text, Verb: Verb(verb)}
	var err error
	switch verb {
	case "send", "frame", "raw":
		op.Verb = Write
		op.Bytes, err = s.bytes(verb, rest)
	case "want":
		err = op.want(strings.Fields(rest))
	case "close", "restart", "slowly":
	case "repeat":
		if s.times, err = strconv.Atoi(rest); err == nil && s.open >= 0 {
			err = fmt.Errorf("a repeat inside a repeat")
		}
		s.open = len(s.ops)
		return err
	case "end":
		return s.end()
	default:
		return fmt.Errorf("unknown verb")
	}
	s.ops = append(s.ops, op)
	return err
}

// end ends a repeat.
func (s *script) end() error {
	if s.open < 0 || s.times < 1 {
		return fmt.Errorf("nothing is repeated")
	}
	s.ops = slices.Concat(s.ops[:s.open], slices.Repeat(s.ops[s.open:], s.times))
	s.open = -1
	return nil
}

// bytes are what a line writes.
func (s *script) bytes(verb, text string) ([]byte, error) {
	v := valueReader{rest: text, file: s.file}
	var b []byte
	var err error
	if verb == "send" {
		b, err = v.fields(0)
	} else {
		b, err = v.text()
	}
	if err == nil && v.rest != "" {
		err = fmt.Errorf("%q is one too many", v.rest)
	}
	if verb == "raw" {
		return b, err
	}
	return slices.Concat(varint(uint64(len(b))), b), err
}

var codes = []string{"unimplemented", "invalid-request", "internal"}

// want reads what follows "want".
func (op *Op) want(words []string) error {
	if len(words) == 0 {
		return fmt.Errorf("want what?")
	}
	op.Verb = Verb("want " + words[0])
	var err error
	switch {
	case op.Verb == WantSame && len(words) == 1:
	case op.Verb == WantExit && len(words) == 2 && (words[1] == "0" || words[1] == "nonzero"):
		op.Code = words[1]
	case op.Verb == WantParse && len(words) == 2:
		op.ID, err = strconv.ParseUint(words[1], 10, 64)
	case op.Verb == WantFailure && len(words) == 3 && slices.Contains(codes, words[2]):
		op.Code, op.AnyID = words[2], words[1] == "*"
		if !op.AnyID {
			op.ID, err = strconv.ParseUint(words[1], 10, 64)
		}
	default:
		err = fmt.Errorf("want parse ID, failure ID CODE, same, exit 0 or exit nonzero")
	}
	return err
}
