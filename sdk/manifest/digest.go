// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
)

// ChecksumError says that a file of a plugin is not the one that its manifest
// means.
type ChecksumError struct {
	// Plugin is the id of the plugin. May be empty.
	Plugin string
	// Path is the file.
	Path string
	// Want is the digest in the manifest, Got that of the file.
	Want, Got string
}

// Error names the file and both digests.
func (e *ChecksumError) Error() string {
	return fmt.Sprintf("%s is not the file that the manifest means: it has %s, and the manifest says %s", e.Path, e.Got, e.Want)
}

// Digest returns the digest of what r holds, as manifests write it.
func Digest(r io.Reader) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return "", err
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}
