// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package buildctx

import "os"

// attributes returns none: builders keep extended attributes on Linux only.
func attributes(*os.File) ([][]byte, error) { return nil, nil }
