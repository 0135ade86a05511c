// SPDX-License-Identifier: Apache-2.0

package store

import (
	"fmt"
	"strings"
)

// PlatformError says that a plugin has nothing to run on this machine.
type PlatformError struct {
	// ID and Version are the plugin's.
	ID, Version string
	// Platforms are those that it has something for.
	Platforms []string
	// Install is the version of the plugin that has something for this one,
	// for who knows what there is. May be empty.
	Install string
}

// Help says what to do: one sentence.
func (e *PlatformError) Help() string {
	if e.Install != "" {
		return "install version " + e.Install + " of the plugin"
	}
	return "ask the plugin's author for this platform, or use another plugin"
}

// Error names this machine's platform and those there are.
func (e *PlatformError) Error() string {
	return fmt.Sprintf("it has no executable for %s, only for %s", Platform(), strings.Join(e.Platforms, ", "))
}

// ShadowedError says that another plugin of the same id counts.
type ShadowedError struct {
	// By is the folder of the other, Origin where it was found.
	By     string
	Origin Origin
}

// Error names the other.
func (e *ShadowedError) Error() string { return fmt.Sprintf("%s (%s) is used instead", e.By, e.Origin) }

// RefusedError says that the policy of the user does not let a plugin run.
type RefusedError struct {
	// Message is one sentence: why. Help is one: what to do.
	Message, Help string
}

// Error returns the message.
func (e *RefusedError) Error() string { return e.Message }

// DriftError says that a plugin is not the one that the project's lock file
// means.
type DriftError struct {
	// ID is the plugin, Lock the path of the lock file.
	ID, Lock string
	// Pinned says that the lock file has it; else it only is not known there.
	Pinned bool
	// Message is one sentence: what differs. Help is one: what to do.
	Message, Help string
}

// Error returns the message.
func (e *DriftError) Error() string { return e.Message }

// IndexError says that the list of installed plugins cannot be read.
type IndexError struct {
	// Message is one sentence: what is wrong. Help is one: what to do.
	Message, Help string
	// Err is the cause. May be nil.
	Err error
}

// Error returns message and cause.
func (e *IndexError) Error() string {
	if e.Err == nil {
		return e.Message
	}
	return e.Message + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *IndexError) Unwrap() error { return e.Err }
