// SPDX-License-Identifier: Apache-2.0

package container

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/zlayer/zlayer/conformance/internal/build"
	"github.com/zlayer/zlayer/conformance/vectors"
)

// class is how a build ended.
func class(out *build.Outcome) string {
	if out.Failure == nil {
		return "ok"
	}
	return out.Failure.Class
}

// surprise says in one sentence that a build did not end as wanted.
func surprise(want *vectors.Failure, out *build.Outcome) string {
	got := out.Failure
	switch {
	case got == nil:
		return "the build ended well, and must fail: " + build.Ending(want)
	case want == nil:
		message, _, _ := strings.Cut(out.Message, "\n")
		return fmt.Sprintf("the build failed (%s): %s", got.Class, message)
	}
	return fmt.Sprintf("the build failed otherwise than it must: %s, not %s", build.Ending(got), build.Ending(want))
}

// otherwise says in one sentence that an image is not the wanted one.
func otherwise(missing, more string) string {
	what, lines := "has what it must not have", more
	if missing != "" {
		what, lines = "lacks what it must have", missing
	}
	line, _, _ := strings.Cut(lines, "\n")
	return fmt.Sprintf("the image %s: %s", what, cut(line, maxLine))
}

// The most that is shown of a line of @want in a message, and of a file of a
// vector, in bytes.
const (
	maxLine = 100
	maxFile = 2000
)

// cut cuts a text that is too long.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// input shows a vector: what belongs to the build, and the files.
func input(v *vectors.Container) string {
	var out strings.Builder
	header := func(key, value string) {
		if value != "" {
			fmt.Fprintf(&out, "%s: %s\n", key, value)
		}
	}
	for _, a := range v.Args {
		header("arg", a)
	}
	header("target", v.Target)
	header("platform", v.Platform)
	for _, id := range slices.Sorted(maps.Keys(v.Images)) {
		header("image", id+"="+v.Images[id])
	}
	for _, id := range slices.Sorted(maps.Keys(v.Secrets)) {
		header("secret", id+"="+v.Secrets[id])
	}
	if v.Rounds > 1 {
		header("rounds", fmt.Sprint(v.Rounds))
	}
	for _, f := range v.Files {
		if f.Name != "@want" {
			fmt.Fprintf(&out, "-- %s --\n%s\n", f.Name, strings.TrimSuffix(cut(string(f.Data), maxFile), "\n"))
		}
	}
	return out.String()
}
