// SPDX-License-Identifier: Apache-2.0

package toolchain

import (
	"bytes"
	"context"
	"errors"
	"strings"

	"github.com/zlayer/zlayer/sdk/backend"
)

// Ask runs a program that answers a question, such as for its version, and
// returns what it wrote to its standard output, without the space around it.
// When it ends badly the error is a *backend.Failure of the machine that quotes
// the last thing it said. Stdout and Stderr of c are not used.
func Ask(ctx context.Context, c Command) (string, error) {
	var out, said []byte
	c.Stdout = func(line []byte) { out = append(out, line...) }
	c.Stderr = func(line []byte) {
		if len(bytes.TrimSpace(line)) > 0 {
			said = append(said[:0], line...)
		}
	}
	err := Run(ctx, c)
	if exit := (*ExitError)(nil); errors.As(err, &exit) {
		f := backend.Machinef(nil, "%s %s: %s", c.Path, strings.Join(c.Args, " "), bytes.TrimSpace(said))
		f.Help = "see that this command works in a shell"
		f.ExitCode = exit.Code
		return "", f
	}
	return string(bytes.TrimSpace(out)), err
}
