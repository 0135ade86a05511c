// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/frontend"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
)

// call is one request and what is done about it.
type call struct {
	id       uint64
	request  *frontendv1.ParseRequest
	before   int // how many requests this instance had before
	findings []string
}

// errAgain is no mistake: the script starts again.
var errAgain = errors.New("again")

// run does what the build file says, line by line.
func (c *call) run() error {
	for {
		err := c.once()
		if !errors.Is(err, errAgain) {
			return err
		}
	}
}

func (c *call) once() error {
	for line := range strings.Lines(string(c.request.GetContent())) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		verb, text, _ := strings.Cut(line, " ")
		done, err := c.do(verb, text)
		if err != nil {
			return err
		}
		if done {
			return nil
		}
	}
	return nil
}

// do does one thing. done ends the script.
func (c *call) do(verb, text string) (done bool, err error) {
	switch verb {
	case "answer", "send", "raw", "stderr":
		return false, c.write(verb, text)
	case "look":
		c.findings = append(c.findings, c.look(text))
	case "report":
		return false, frontend.WriteMessage(os.Stdout, c.report())
	case "need":
		return c.need(text)
	case "again":
		return false, errAgain
	case "recurse":
		recurse(1)
	case "allocate":
		return false, allocate(text)
	case "trap":
		trap()
	case "exit":
		return false, exit(text)
	default:
		return false, fmt.Errorf("there is no deed %q", verb)
	}
	return false, nil
}

// write writes bytes; a message, after its length; or a message that also has
// the id of the request.
func (c *call) write(verb, quoted string) error {
	text, err := strconv.Unquote(quoted)
	if err != nil {
		return err
	}
	b := []byte(text)
	switch verb {
	case "answer":
		b = append(binary.AppendUvarint([]byte{idField << 3}, c.id), b...)
		fallthrough
	case "send":
		b = append(binary.AppendUvarint(nil, uint64(len(b))), b...)
	case "stderr":
		_, _ = os.Stderr.Write(b) // nobody has to read it
		return nil
	}
	_, err = os.Stdout.Write(b)
	return err
}

// idField is the number of Response.id.
const idField = 1

// report is an answer with what was seen. The findings are errors, so that no
// build is missing.
func (c *call) report() *frontendv1.Response {
	list := []*diagv1.Diagnostic{diag.Error(nil, "seen", "done")}
	for _, f := range c.findings {
		list = append(list, diag.Error(nil, "seen", f))
	}
	return &frontendv1.Response{Id: c.id, Result: &frontendv1.Response_Parse{Parse: &frontendv1.ParseResponse{Diagnostics: list}}}
}

// need asks for "FILES ROUNDS": so many files in each of so many rounds, each
// with other names. done is set until the host has answered them all.
func (c *call) need(text string) (done bool, err error) {
	var files, rounds int
	if _, err := fmt.Sscan(text, &files, &rounds); err != nil {
		return false, err
	}
	have := len(c.request.GetFiles())
	if have >= files*rounds {
		return false, nil
	}
	var needs []*frontendv1.Need
	for i := range files {
		name := fmt.Sprintf("file-%d", have+i)
		needs = append(needs, &frontendv1.Need{Kind: frontendv1.NeedKind_NEED_KIND_READ, Paths: []string{name}})
	}
	return true, frontend.WriteMessage(os.Stdout, &frontendv1.Response{
		Id: c.id, Result: &frontendv1.Response_Parse{Parse: &frontendv1.ParseResponse{Needs: needs}},
	})
}
