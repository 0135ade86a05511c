// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

// alternatives says how the same can be written without a feature. Features
// that have no such way are not in it.
var alternatives = map[string]string{
	"add.checksum":          "check the file in a RUN: sha256sum -c",
	"add.git":               "clone the repository in a RUN, or copy a checkout from the build context",
	"add.keep-git-dir":      "clone the repository in a RUN",
	"add.unpack":            "unpack the archive in a RUN",
	"add.url":               "fetch the file in a RUN, or put it into the build context",
	"copy.chmod.symbolic":   "write the mode as a number, as in --chmod=755",
	"copy.exclude":          "exclude the files in .dockerignore, or copy what is wanted piece by piece",
	"copy.from.context":     "put the files into the main build context",
	"copy.from.image":       "start a stage from the image and copy from that stage",
	"copy.inline":           "put the file into the build context",
	"copy.link":             "leave out --link",
	"copy.parents":          "name each target folder in a COPY of its own",
	"exec.env":              "set the variables in the command itself",
	"exec.mount.bind":       "copy the files into a stage first, and run the command there",
	"exec.mount.cache":      "leave out the cache mount; the command then starts without it each time",
	"exec.mount.secret.env": "mount the secret as a file, and read it in the command",
	"exec.mount.tmpfs":      "use a folder, and remove it in the same RUN",
	"exec.script":           "name the interpreter: RUN python3 <<EOF",
	"wasm.preview2":         "build for target preview1",
}

// alternative says what to do instead of a feature. May be empty.
func alternative(feature string) string {
	if vendor, _, ok := strings.Cut(feature, "/"); ok {
		return "install a backend that has it; " + vendor + " defines it"
	}
	return alternatives[feature]
}

// alternativePlatform says what to do when commands of a platform do not run.
// Emulators are for other processors, not for other systems.
func alternativePlatform(d *backendv1.DescribeResponse, want *irv1.Platform) string {
	var names []string
	for _, s := range d.GetPlatforms() {
		if s.GetRun() != backendv1.RunMode_RUN_MODE_NONE && s.GetPlatform().GetOs() == want.GetOs() {
			names = append(names, ir.FormatPlatform(s.GetPlatform()))
		}
	}
	if len(names) == 0 {
		return "build on a machine with " + want.GetOs() + ", or COPY files that are built elsewhere"
	}
	help := "build for " + strings.Join(names, " or ")
	if want.GetOs() == "linux" {
		help += ", or install an emulator (binfmt_misc with qemu-user-static)"
	}
	return help
}
