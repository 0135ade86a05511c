// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"os"
	"os/exec"
	"path/filepath"
)

// compileOn goes on, in a process of its own, with a compilation that would end
// with this one. A first check is over long before the frontend is translated
// to machine code; without this it would be interpreted for ever. Nothing is
// started in CI, where nobody comes back, and nothing when it cannot be: then
// the next check is slow, no more.
func (a *app) compileOn(ctx context.Context) {
	if a.host == nil || ctx.Err() != nil || a.getenv("CI") == "true" || !a.host.Compiling() {
		return
	}
	self, err := os.Executable()
	if err != nil {
		return
	}
	args := []string{"plugin", "compile", "--data-dir", a.found.DataDir}
	for _, dir := range a.config.Strings("plugin-dir") {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return
		}
		args = append(args, "--plugin-dir", abs)
	}
	cmd := exec.Command(self, args...)
	// The frontend may be one that only the lock file of a project names.
	cmd.Dir = filepath.Dir(cmp.Or(a.found.LockFile, a.found.DataDir+"/"))
	cmd.Env = a.Environ
	detach(cmd)
	if cmd.Start() == nil {
		_ = cmd.Process.Release()
	}
}
