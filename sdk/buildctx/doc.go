// SPDX-License-Identifier: Apache-2.0

// Package buildctx reads build contexts: the folders that COPY and ADD take
// files from.
//
// A context is seen as Docker sees it. Its ignore file hides paths, symbolic
// links are resolved as if the context were the root of the file system, and
// nothing outside the folder can be reached. Paths are slash-separated,
// relative to the context and clean; "." is the context itself. They are bytes:
// newlines and invalid UTF-8 are fine.
package buildctx
