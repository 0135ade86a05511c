// SPDX-License-Identifier: Apache-2.0

package transfer

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

// Local returns the sources of a step that are paths in its input; the others
// are fetched.
func Local(step *irv1.Transfer) []string {
	return slices.DeleteFunc(slices.Clone(step.Sources), func(s string) bool {
		return step.Add && ir.Remote(s) != ir.RemoteNone
	})
}

// Reads returns the paths of its input that a step reads: all that its sources
// match, in order. What is inside a folder belongs to it. Idle are the sources
// that are patterns and match nothing. A path that does not exist is a *Problem.
func Reads(step *irv1.Transfer, from Files) (paths, idle []string, err error) {
	for _, source := range Local(step) {
		names, err := match(from, source, step.Parents)
		if err != nil {
			return nil, nil, err
		}
		if len(names) == 0 {
			idle = append(idle, source)
		}
		paths = append(paths, names...)
	}
	return paths, idle, nil
}

// Digest returns the digest of all that a step reads of its input: the files
// that Reads names and, with --parents, the folders above them. Idle is as of
// Reads.
func Digest(step *irv1.Transfer, from Files) (digest string, idle []string, err error) {
	names, idle, err := Reads(step, from)
	if err != nil {
		return "", nil, err
	}
	if digest, err = from.Digest(names...); err != nil {
		return "", nil, unreadable(strings.Join(step.Sources, " "), err)
	}
	if !step.Parents {
		return digest, idle, nil
	}
	sum := sha256.New()
	fmt.Fprintln(sum, digest)
	for _, name := range names {
		if err := digestAbove(sum, from, name); err != nil {
			return "", nil, unreadable(name, err)
		}
	}
	return "sha256:" + hex.EncodeToString(sum.Sum(nil)), idle, nil
}

// digestAbove writes what --parents copies of the folders above a name.
func digestAbove(w io.Writer, from Files, name string) error {
	for _, dir := range above(name) {
		at, err := from.Resolve(dir)
		if err != nil {
			return err
		}
		f, err := from.Lstat(at)
		if err != nil {
			return err
		}
		attrs, err := from.Xattrs(at, f)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%q %o %d %d %q\n", dir, f.Node.Mode, f.Node.UID, f.Node.GID, kept(attrs))
	}
	return nil
}
