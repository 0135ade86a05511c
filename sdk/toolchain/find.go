// SPDX-License-Identifier: Apache-2.0

package toolchain

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/zlayer/zlayer/sdk/backend"
)

// Find returns the absolute path of a program: a name, looked for on PATH, or
// a path. When there is none the error is a *backend.Failure of the machine
// with the help.
func Find(program, help string) (string, error) {
	path, err := exec.LookPath(program)
	if err != nil {
		f := backend.Machinef(nil, "%s is not on PATH", program)
		if strings.ContainsRune(program, filepath.Separator) {
			f.Message = fmt.Sprintf("%s is not a program that can be run", program)
		}
		f.Help = help
		return "", f
	}
	if path, err = filepath.Abs(path); err != nil {
		return "", fmt.Errorf("finding %s: %w", program, err)
	}
	return path, nil
}

// Environ returns those variables of the backend's own environment that the
// patterns name, as "KEY=value". A pattern is a name, or a prefix followed by
// "*", as in the environment of a manifest.
func Environ(patterns ...string) (env []string) {
	for _, variable := range os.Environ() {
		key, _, _ := strings.Cut(variable, "=")
		if slices.ContainsFunc(patterns, func(p string) bool { return matches(p, key) }) {
			env = append(env, variable)
		}
	}
	return env
}

func matches(pattern, key string) bool {
	prefix, ok := strings.CutSuffix(pattern, "*")
	return key == pattern || ok && strings.HasPrefix(key, prefix)
}
