// SPDX-License-Identifier: Apache-2.0

// Package remote fetches the sources of ADD that are not files: URLs and git
// repositories.
//
// A backend decides with ir.Remote what a source is, fetches it with URL or
// Git into an empty folder of its own, and reports the digest to the host (SPEC
// [B15]). What was fetched is not trusted: a repository may hold links to
// anywhere, so read it as a build context is read.
package remote

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Fetched is what was fetched.
type Fetched struct {
	// Dir is the folder that it is in: the one asked for, or, of a repository,
	// the folder in it that the source names.
	Dir string
	// Name is the name of the file in the folder; empty when the folder itself
	// was fetched.
	Name string
	// Digest identifies the content: of a file "sha256:…", or "sha512:…" when
	// the checksum is one; of a repository the commit in hex.
	Digest string
	// Time is when the content was made: the server's Last-Modified or the
	// start of 1970, or the commit's time.
	Time time.Time
}

// Progress is told how much of a transfer is done, in bytes; a total of 0 is
// unknown. It is called at most ten times a second, and at the end.
type Progress func(current, total int64)

// ErrNoGit says that the machine has no git.
var ErrNoGit = errors.New("there is no git on this machine")

// ChecksumError says that what was fetched is not what was wanted.
type ChecksumError struct {
	// Want is the checksum that was asked for, Got what was found.
	Want, Got string
}

// Error names both.
func (e *ChecksumError) Error() string { return fmt.Sprintf("it has digest %s, not %s", e.Got, e.Want) }

// TooLargeError says that there is more than was to be fetched.
type TooLargeError struct {
	// Limit is how many bytes were allowed.
	Limit int64
}

// Error says so.
func (e *TooLargeError) Error() string { return fmt.Sprintf("it has more than %d bytes", e.Limit) }

// Patience is how long a server may send nothing before it is given up, where no
// option says otherwise.
const Patience = 2 * time.Minute

// shortest is the least number of a commit's digits that name it.
const shortest = 7

// verify compares a digest with the wanted one; the empty one is any.
func verify(want, got string) error {
	commit := !strings.Contains(got, ":")
	if want == "" || want == got || commit && len(want) >= shortest && strings.HasPrefix(got, want) {
		return nil
	}
	return &ChecksumError{want, got}
}

// NeedsAgent says whether a git source is fetched over ssh, where the user's
// ssh-agent gives access: "ssh://…" and "user@host:path".
func NeedsAgent(source string) bool {
	scheme, _, ok := strings.Cut(source, "://")
	return !ok || strings.EqualFold(scheme, "ssh")
}
