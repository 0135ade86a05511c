// SPDX-License-Identifier: Apache-2.0

// Package rustfrontend holds the source of a frontend in Rust, which knows
// nothing of zlayer but sdk/SPEC.md and the .proto files. It shows that these
// are enough, and "zlayer plugin new" begins projects with it.
package rustfrontend

import "embed"

// Source are its files: the crate, the Layerfile.md that describes its language,
// and its vectors.
//
//go:embed Cargo.toml Cargo.lock Layerfile.md rustfmt.toml src vectors
var Source embed.FS
