// SPDX-License-Identifier: Apache-2.0

package ir

import (
	"slices"
	"strings"
)

// A Feature is something a build may need and a reader of it may lack. Ids are
// for ever: one that no longer means anything stays, unused.
type Feature struct {
	// ID is what Build.features, ResolvedBuild.features and the capabilities
	// of a backend's manifest say: lower case, words joined by "-", levels by
	// ".".
	ID string
	// Doc is one sentence for people.
	Doc string
	// Source says that SourceFeatures may return it.
	Source bool
	// Resolved says that Features may return it, so that a backend has to
	// have it.
	Resolved bool
}

// features is the one list, sorted by id.
var features = [...]Feature{
	{"add", "ADD of local files, unpacking local archives", true, true},
	{"add.checksum", "ADD --checksum", true, true},
	{"add.git", "ADD of a git repository", true, true},
	{"add.keep-git-dir", "ADD --keep-git-dir", true, true},
	{"add.unpack", "ADD --unpack, overriding which archives are unpacked", true, true},
	{"add.url", "ADD of a URL", true, true},
	{"arg", "ARG, build arguments", true, false},
	{"cmd", "CMD, the default command", true, false},
	{"copy", "COPY of files", true, true},
	{"copy.chmod", "COPY or ADD --chmod", true, true},
	{"copy.chmod.symbolic", "COPY or ADD --chmod with a symbolic mode, such as u+x", true, true},
	{"copy.chown", "COPY or ADD --chown", true, true},
	{"copy.exclude", "COPY or ADD --exclude", true, true},
	{"copy.from", "COPY --from anything", true, false},
	{"copy.from.context", "COPY --from a named build context", false, true},
	{"copy.from.image", "COPY --from an image", false, true},
	{"copy.from.stage", "COPY --from another stage", false, true},
	{"copy.inline", "COPY or ADD of a file given by a here-document", true, true},
	{"copy.link", "COPY or ADD --link, a layer of its own", true, true},
	{"copy.parents", "COPY --parents", true, true},
	{"entrypoint", "ENTRYPOINT, the command of the image", true, false},
	{"env", "ENV, environment variables", true, false},
	{"exec", "RUN, a command in the image being built", true, true},
	{"exec.device", "RUN --device", true, true},
	{"exec.env", "variables of one RUN only", true, false},
	{"exec.mount", "RUN --mount of any type", true, false},
	{"exec.mount.bind", "RUN --mount=type=bind", true, true},
	{"exec.mount.cache", "RUN --mount=type=cache", true, true},
	{"exec.mount.secret", "RUN --mount=type=secret", true, true},
	{"exec.mount.secret.env", "RUN --mount=type=secret with env, a secret as a variable", true, true},
	{"exec.mount.ssh", "RUN --mount=type=ssh", true, true},
	{"exec.mount.tmpfs", "RUN --mount=type=tmpfs", true, true},
	{"exec.network.host", "RUN --network=host", true, true},
	{"exec.network.none", "RUN --network=none", true, true},
	{"exec.script", "RUN of a here-document with an interpreter line", true, true},
	{"exec.security.insecure", "RUN --security=insecure", true, true},
	{"exec.user", "RUN as a user other than root", false, true},
	{"expose", "EXPOSE, ports", true, false},
	{"from.platform", "FROM --platform", true, false},
	{"healthcheck", "HEALTHCHECK", true, false},
	{"heredoc", "here-documents", true, false},
	{"label", "LABEL, labels", true, false},
	{"maintainer", "MAINTAINER, the author", true, false},
	{"make-dir", "WORKDIR, the working directory", true, true},
	{"onbuild", "ONBUILD, triggers", true, false},
	{"shell", "SHELL, the shell of shell forms", true, false},
	{"stages", "more than one stage", true, false},
	{"stopsignal", "STOPSIGNAL, the signal that stops a container", true, false},
	{"user", "USER, the user of commands", true, false},
	{"volume", "VOLUME, volumes", true, false},
	{"wasm", "a WebAssembly build", true, false},
	{"wasm.assemblyscript", "a WebAssembly module from AssemblyScript", true, true},
	{"wasm.build-args", "a WebAssembly build with variables for its toolchain", true, true},
	{"wasm.c", "a WebAssembly module from C", true, true},
	{"wasm.default-features", "a WebAssembly module without the features its project has by default", true, true},
	{"wasm.features", "a WebAssembly module with chosen features of its project", true, true},
	{"wasm.go", "a WebAssembly module from Go", true, true},
	{"wasm.package", "a WebAssembly module from a chosen package of its project", true, true},
	{"wasm.preview1", "a WebAssembly module for WASI preview 1", true, true},
	{"wasm.preview2", "a WebAssembly component for WASI preview 2", true, true},
	{"wasm.profile", "a WebAssembly module built with a chosen profile", true, true},
	{"wasm.program", "a WebAssembly module from a chosen program of its package", true, true},
	{"wasm.python", "a WebAssembly module from Python", true, true},
	{"wasm.rust", "a WebAssembly module from Rust", true, true},
	{"wasm.typescript", "a WebAssembly module from TypeScript", true, true},
	{"wasm.zig", "a WebAssembly module from Zig", true, true},
}

// KnownFeatures returns the whole list, sorted by id.
func KnownFeatures() []Feature { return slices.Clone(features[:]) }

// LookupFeature returns the entry of an id.
func LookupFeature(id string) (Feature, bool) {
	i, ok := slices.BinarySearchFunc(features[:], id, func(f Feature, id string) int {
		return strings.Compare(f.ID, id)
	})
	if !ok {
		return Feature{}, false
	}
	return features[i], true
}
