// SPDX-License-Identifier: Apache-2.0

package registry

import "fmt"

// Kind classifies an Error.
type Kind int

// The kinds.
const (
	// KindReference is a reference that is not well-formed.
	KindReference Kind = iota + 1
	// KindNotFound is something that a registry does not have.
	KindNotFound
	// KindDenied is a registry that refuses the credentials, or wants some.
	KindDenied
	// KindUnreachable is a registry that does not answer, not in time, or not
	// now.
	KindUnreachable
	// KindDamaged is content that is not what its digest says.
	KindDamaged
	// KindUnsupported is content that zlayer cannot use.
	KindUnsupported
)

// Error is an error about a reference, a registry or its content that the user
// can do something about.
type Error struct {
	// Kind is its class.
	Kind Kind
	// Reference is what was asked for: a reference as the user wrote it, a
	// digest, or a URL without what may be secret in it.
	Reference string
	// Message is one sentence: what happened.
	Message string
	// Help is one sentence: what to do. May be empty.
	Help string
	// Err is the cause. May be nil.
	Err error
}

// Error returns the reference, the message and the cause.
func (e *Error) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("%q: %s", e.Reference, e.Message)
	}
	return fmt.Sprintf("%q: %s: %v", e.Reference, e.Message, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
