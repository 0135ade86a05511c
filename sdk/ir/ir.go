// SPDX-License-Identifier: Apache-2.0

// Package ir holds the functions over the Build IR (gen/irv1): it lists the
// features a build needs, prints, validates and walks it, resolves the
// source state into the resolved one and renders it as Dockerfile text.
//
// Digests of builds are in ir/digest, the expansion of words in ir/expand.
//
// There are no types here that mirror the generated ones, every function is
// pure, and none keeps what it is given. What a frontend calls
// (SourceFeatures, Validate, Walk, Text) pulls in nothing heavy, because it
// ends up in WebAssembly modules whose start time grows with their size.
package ir
