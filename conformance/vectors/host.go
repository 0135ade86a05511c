// SPDX-License-Identifier: Apache-2.0

package vectors

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

//go:embed host/*.txtar
var hosts embed.FS

// Host is a frontend that does something wrong or wants too much, and what a
// host has to make of it.
type Host struct {
	Vector
	// Size is how many bytes the build file has, filled up with comments. 0: as
	// many as it needs.
	Size int
	// Module is what is wrong with the module: "changed", "missing" or "text".
	// Empty: nothing.
	Module string
	// Want are the messages of the findings. Nil: they do not matter.
	Want []string

	deeds []string
}

// hostClasses are how the host's check of the build file can end: the frontend
// answered; the host refuses what it was given; what is wrong with the frontend.
var hostClasses = []string{
	"ok", "input",
	"digest", "module", "trap", "exit", "timeout", "memory", "size", "protocol", "failure", "invalid", "needs",
}

// Hosts returns the vectors about hosts, sorted by name.
func Hosts() ([]*Host, error) { return ReadHosts(hosts) }

// ReadHosts returns the vectors in the folder "host" of a file system, sorted
// by name. None is no error.
func ReadHosts(fsys fs.FS) ([]*Host, error) { return read(fsys, "host", ParseHost) }

// ParseHost reads one vector. A header it does not know is an error.
func ParseHost(name string, data []byte) (*Host, error) {
	h := &Host{}
	v, err := parse(name, data, h.header)
	if err != nil {
		return nil, err
	}
	h.Vector = v
	if !slices.Contains(hostClasses, h.Expect) {
		return nil, fmt.Errorf("expect: want one of %v", hostClasses)
	}
	if want, ok := h.File("@want"); ok {
		h.Want = strings.Split(strings.TrimSuffix(string(want), "\n"), "\n")
	}
	script, ok := h.File("@frontend")
	if !ok && h.Module == "" {
		return nil, fmt.Errorf("nothing says what the frontend does")
	}
	return h, h.script(string(script))
}

func (h *Host) header(key, value string) (known bool, err error) {
	switch key {
	case "size":
		h.Size, err = strconv.Atoi(value)
	case "module":
		if h.Module = value; !slices.Contains([]string{"changed", "missing", "text"}, value) {
			err = fmt.Errorf("want changed, missing or text")
		}
	default:
		return false, nil
	}
	return true, err
}

// script reads what the frontend does.
func (h *Host) script(text string) error {
	n := 0
	for line := range strings.Lines(text) {
		n++
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		deed, err := deed(line)
		if err != nil {
			return fmt.Errorf("@frontend: line %d, %.80s: %w", n, line, err)
		}
		h.deeds = append(h.deeds, deed)
	}
	return nil
}

// deed turns a line of a script into one of a build file for the frontend in
// zoo/hostile, which knows no fields: they become bytes.
func deed(line string) (string, error) {
	verb, rest, _ := strings.Cut(line, " ")
	v := valueReader{rest: rest}
	var b []byte
	var err error
	switch verb {
	case "answer", "send":
		b, err = v.fields(0)
	case "raw", "stderr":
		b, err = v.text()
	default:
		return line, nil
	}
	if err == nil && v.rest != "" {
		err = fmt.Errorf("%q is one too many", v.rest)
	}
	return verb + " " + strconv.QuoteToASCII(string(b)), err
}

// Content is the build file that has the frontend in zoo/hostile do what the
// vector says.
func (h *Host) Content() []byte {
	content := []byte(strings.Join(h.deeds, "\n") + "\n")
	for fill := h.Size - len(content); fill > 0; fill = h.Size - len(content) {
		line := min(fill, 80)
		content = append(append(content, bytes.Repeat([]byte("#"), line-1)...), '\n')
	}
	return content
}
