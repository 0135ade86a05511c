// SPDX-License-Identifier: Apache-2.0

package source

import (
	"errors"
	"fmt"
	"io/fs"
)

// Problem classifies an Error.
type Problem int

// The problems.
const (
	// Absent: the source, or what is wanted of it, does not exist.
	Absent Problem = iota + 1
	// Broken: what came is not a plugin, or not what was announced.
	Broken
)

// Error says why a source does not give a release. What is wrong with the way
// to it, package registry says.
type Error struct {
	// Problem is its class.
	Problem Problem
	// Source is what the user named.
	Source string
	// Message is one sentence: what happened.
	Message string
	// Help is one sentence: what to do. May be empty.
	Help string
	// Err is the cause. May be nil.
	Err error
}

// Error returns the source, the message and the cause.
func (e *Error) Error() string {
	text := e.Message
	if e.Source != "" {
		text = fmt.Sprintf("%s: %s", e.Source, e.Message)
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// unreadable is a file or folder that the system does not let us read. Its
// path the source says.
func unreadable(source string, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return &Error{Problem: Absent, Source: source, Message: "it cannot be read", Help: "check the path and its permissions", Err: err}
}
