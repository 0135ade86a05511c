// SPDX-License-Identifier: Apache-2.0

package transfer

import (
	"fmt"
	"io/fs"
	"strconv"

	"github.com/tonistiigi/dchapes-mode"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// special are the mode bits beyond rwx, as stat(2) and as Go has them.
var special = []struct {
	bit  uint32
	flag fs.FileMode
}{
	{0o4000, fs.ModeSetuid},
	{0o2000, fs.ModeSetgid},
	{0o1000, fs.ModeSticky},
}

// bits turns a mode of Go into that of a Node.
func bits(m fs.FileMode) uint32 {
	b := uint32(m.Perm())
	for _, s := range special {
		if m&s.flag != 0 {
			b |= s.bit
		}
	}
	return b
}

// goMode is the reverse of bits, with what a symbolic mode asks of the type.
func goMode(n *tree.Node) fs.FileMode {
	m := fs.FileMode(n.Mode & 0o777)
	for _, s := range special {
		if n.Mode&s.bit != 0 {
			m |= s.flag
		}
	}
	if n.Kind == tree.Dir {
		m |= fs.ModeDir
	}
	return m
}

// usual is the mode of folders that come from no source.
const usual = 0o755

// parseMode reads the octal or symbolic mode of --chmod. What it returns gives
// the new mode bits of a file, nil without --chmod, and says the mode of made
// folders. As in BuildKit a symbolic mode does not touch these, and an octal
// one gives them its permissions alone; but who may read them may enter them.
func parseMode(text string) (of func(*tree.Node) uint32, made uint32, err error) {
	if text == "" {
		return nil, usual, nil
	}
	if b, err := strconv.ParseUint(text, 8, 12); err == nil {
		return func(*tree.Node) uint32 { return uint32(b) }, uint32(b&0o777 | b&0o444>>2), nil
	}
	set, err := mode.Parse(text)
	if err != nil {
		return nil, 0, &Problem{
			Message: fmt.Sprintf("--chmod=%s is neither an octal nor a symbolic mode", text),
			Help:    "write it like 755 or u=rwX,go=rX",
		}
	}
	return func(n *tree.Node) uint32 { return bits(set.Apply(goMode(n))) }, usual, nil
}
