// SPDX-License-Identifier: Apache-2.0

package zimagefile

import (
	"slices"

	"github.com/zlayer/zlayer/sdk/diag"
)

// synonyms are what people write who come from Dockerfiles and Compose files.
var synonyms = []struct{ written, meant string }{
	{"from", "base"}, {"image", "base"}, {"environment", "env"}, {"envs", "env"}, {"command", "cmd"},
	{"ports", "expose"}, {"port", "expose"}, {"working_dir", "workdir"}, {"cwd", "workdir"}, {"context", "build"},
	{"dest", "to"}, {"destination", "to"}, {"target", "to"}, {"chown", "owner"}, {"mode", "chmod"},
	{"mount", "cache"}, {"mounts", "cache"}, {"arg", "args"}, {"stage", "stages"}, {"stop_signal", "stopsignal"},
	{"shell", "run"}, {"instructions", "steps"}, {"lang", "language"}, {"out", "output"}, {"path", "target"},
	{"test", "cmd"}, {"name", "id"}, {"ro", "readonly"},
}

// suggest returns the key that was probably meant, or "".
func suggest(written string, keys []string) string {
	names := slices.Clone(keys)
	meant := map[string]string{}
	for _, s := range synonyms {
		if slices.Contains(keys, s.meant) && !slices.Contains(keys, s.written) {
			names = append(names, s.written)
			meant[s.written] = s.meant
		}
	}
	best := diag.Suggest(written, names)
	if key := meant[best]; key != "" {
		return key
	}
	return best
}
