// SPDX-License-Identifier: Apache-2.0

package tree

// Tree is a file tree. The zero value is not one; Empty returns the first.
type Tree struct{}
