// SPDX-License-Identifier: Apache-2.0

package wasmrun

import "fmt"

// Reason says why a frontend failed.
type Reason string

// The reasons.
const (
	// ReasonModule is a file that is no frontend: not wasm, or it wants more
	// than a frontend gets.
	ReasonModule Reason = "module"
	// ReasonInput is a request over the limit of size.
	ReasonInput Reason = "input"
	// ReasonTimeout is a call over the limit of time.
	ReasonTimeout Reason = "timeout"
	// ReasonMemory is a module that wanted more memory than the limit.
	ReasonMemory Reason = "memory"
	// ReasonTrap is a trap: unreachable code, an access out of bounds, a stack
	// overflow.
	ReasonTrap Reason = "trap"
	// ReasonExit is an exit before the answer.
	ReasonExit Reason = "exit"
	// ReasonOutput is a response over the limit of size.
	ReasonOutput Reason = "output"
	// ReasonProtocol is an answer that breaks the protocol.
	ReasonProtocol Reason = "protocol"
	// ReasonFrontend is a failure that the frontend itself reported.
	ReasonFrontend Reason = "frontend"
)

// Failed says that a frontend did not answer a call. It is no mistake of the
// user's source.
type Failed struct {
	// Reason is the class.
	Reason Reason
	// Path is the module.
	Path string
	// Message is one sentence: what happened.
	Message string
	// Stderr is the tail of what the frontend wrote there.
	Stderr string
	// Err is the cause. May be nil.
	Err error
}

// Error returns the message and the cause.
func (f *Failed) Error() string {
	if f.Err == nil {
		return f.Message
	}
	return fmt.Sprintf("%s: %v", f.Message, f.Err)
}

// Unwrap returns the cause.
func (f *Failed) Unwrap() error { return f.Err }

// Help says what to do: one sentence.
func (f *Failed) Help() string {
	switch f.Reason {
	case ReasonInput:
		return "a build file is at most 4 MiB; check that the right file is named"
	case ReasonModule:
		return "install the plugin again, or report this to its author"
	default:
		return "report this to the author of the plugin, with the build file"
	}
}

// CacheError says that the compile cache cannot be filled, which is no fault of
// the module.
type CacheError struct {
	// Err is what the system said.
	Err error
}

// Error says so.
func (e *CacheError) Error() string { return "filling the compile cache: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *CacheError) Unwrap() error { return e.Err }
