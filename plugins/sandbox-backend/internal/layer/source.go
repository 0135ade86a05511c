// SPDX-License-Identifier: Apache-2.0

package layer

// Source is a layer and the file that holds its tar.
type Source struct {
	*Layer
	// Path is the file, absolute.
	Path string
	// Compressed says that it is a blob of an image, compressed or not as its
	// first bytes tell; otherwise it is the uncompressed tar.
	Compressed bool
}
