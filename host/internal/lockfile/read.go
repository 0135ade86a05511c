// SPDX-License-Identifier: Apache-2.0

package lockfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/zlayer/zlayer/sdk/strictjson"
)

// Error says what is wrong with a lock, where, and what to do.
type Error struct {
	// Path is the lock.
	Path string
	// Line is the line, from 1; 0 when it is none in particular.
	Line int
	// Problem is what is wrong.
	Problem string
	// Help says what to do: one sentence.
	Help string
}

// Error names file and line.
func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Path + ": " + e.Problem
	}
	return fmt.Sprintf("%s:%d: %s", e.Path, e.Line, e.Problem)
}

// Read reads a lock. It is strict, since whatever an unknown key was meant to
// pin would be lost. The error is an *Error when the lock is no good, and else
// that of the file system.
func Read(path string) (*File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, MaxSize+1))
	if err != nil {
		return nil, err
	}
	return parse(path, data)
}

func parse(path string, data []byte) (*File, error) {
	if len(data) > MaxSize {
		return nil, &Error{Path: path, Problem: fmt.Sprintf("it has more than %d bytes", MaxSize), Help: restore}
	}
	if line := conflict(data); line > 0 {
		return nil, &Error{Path: path, Line: line, Problem: "a merge by git left a conflict here",
			Help: "take one side with git checkout --ours or --theirs, then add what is missing again"}
	}
	if err := newer(path, data); err != nil {
		return nil, err
	}
	f := &File{}
	if err := strictjson.Decode(data, f); err != nil {
		return nil, explain(path, err)
	}
	f.sort() // people who merge do not
	if err := f.check(path); err != nil {
		return nil, err
	}
	return f, nil
}

// restore is the advice for a lock that nobody can read.
const restore = "restore it from your repository, or remove it and run zlayer plugin lock"

// explain makes an *Error of what is wrong with the JSON.
func explain(path string, err error) error {
	var bad *strictjson.Error
	if !errors.As(err, &bad) {
		return fmt.Errorf("%s: %w", path, err)
	}
	help := restore
	if bad.Key != "" {
		help = "a typing error, or the lock is from a newer zlayer"
	}
	return &Error{Path: path, Line: bad.Line, Problem: bad.Problem, Help: help}
}

// newer refuses a lock with another schema, whatever else is in it.
func newer(path string, data []byte) error {
	var head struct {
		Schema int `json:"schema"`
	}
	if json.Unmarshal(data, &head) != nil || head.Schema == Schema {
		return nil // what else is wrong is said better later
	}
	e := &Error{Path: path, Line: lineOf(data, `"schema"`), Help: restore,
		Problem: fmt.Sprintf("the lock has schema %d, and this zlayer reads %d", head.Schema, Schema)}
	switch {
	case e.Line == 0:
		e.Problem = fmt.Sprintf(`the lock names no schema; it must have "schema": %d`, Schema)
	case head.Schema > Schema:
		e.Help = "update zlayer: a newer one wrote this lock"
	}
	return e
}

// conflictLine is what git writes between and around the sides of a conflict.
var conflictLine = regexp.MustCompile(`(?m)^(<{7}|={7}|>{7}|\|{7})( |\r?$)`)

// conflict returns the first line that git left, or 0.
func conflict(data []byte) int {
	if at := conflictLine.FindIndex(data); at != nil {
		return 1 + bytes.Count(data[:at[0]], []byte{'\n'})
	}
	return 0
}

// lineOf returns the first line that has a text, or 0.
func lineOf(data []byte, text string) int {
	before, _, ok := strings.Cut(string(data), text)
	if !ok {
		return 0
	}
	return 1 + strings.Count(before, "\n")
}
