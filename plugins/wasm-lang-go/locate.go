// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/toolchain/place"
)

// finding says where a problem is. One in a file of somebody else's module has
// no range in the project: its place becomes a part of the message.
func (p problem) finding(src *place.Project) *backendv1.Finding {
	message, help := p.advice()
	message = strings.ReplaceAll(message, src.Dir+string(filepath.Separator), "")
	d := diag.Error(nil, p.code, message)
	d.Help = help
	if p.file == "" {
		return backend.At("", d)
	}
	file := src.File(p.file)
	switch {
	case file == nil:
		d.Message = fmt.Sprintf("%s:%d:%d: %s", p.file, p.line, p.column, message)
		return backend.At("", d)
	case p.column == 0:
		d.Range = file.Line(p.line)
	default:
		d.Range = file.Token(p.line, p.column)
	}
	return backend.At(file.Name, d)
}
