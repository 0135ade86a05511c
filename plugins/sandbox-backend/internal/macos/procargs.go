// SPDX-License-Identifier: Apache-2.0

package macos

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// errArgs says that the kernel described a process in a way we do not know.
var errArgs = errors.New("the arguments of a process cannot be read")

// parseArgs returns the environment that a process was started with, from what
// sysctl kern.procargs2 says about it: the number of arguments, the path of the
// program, zeros up to the next word, the arguments and the environment.
func parseArgs(data []byte) ([]string, error) {
	if len(data) < 4 {
		return nil, errArgs
	}
	count := int32(binary.NativeEndian.Uint32(data))
	_, rest, ok := bytes.Cut(data[4:], []byte{0})
	if !ok || count < 0 {
		return nil, errArgs
	}
	rest = bytes.TrimLeft(rest, "\x00")
	for range count {
		if _, rest, ok = bytes.Cut(rest, []byte{0}); !ok {
			return nil, errArgs
		}
	}
	var env []string
	for {
		text, more, ok := bytes.Cut(rest, []byte{0})
		if !ok || len(text) == 0 {
			return env, nil
		}
		env, rest = append(env, string(text)), more
	}
}
