// SPDX-License-Identifier: Apache-2.0

package dockerfile

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// deliberate lists where we do not agree with BuildKit, and why. Whatever is
// not here, and what FuzzOracle finds, is a bug.
var deliberate = []struct {
	src string
	// buildkit says that BuildKit's parser and instructions packages accept
	// it. They may still read it differently.
	buildkit bool
	// code is what we report, "" when we accept it.
	code   string
	reason string
}{
	{"FROM x\nRUN", true, "missing-argument", "BuildKit runs the shell with an empty command"},
	{"FROM x\nCMD", true, "missing-argument", "it sets the shell with an empty command; [] is the way to set nothing"},
	{"FROM x\nENTRYPOINT", true, "missing-argument", "as with CMD"},
	{"FROM x\nRUN []", true, "missing-argument", "there is nothing to run, which BuildKit finds out at build time"},
	{"FROM x\nARG --a b", true, "unknown-flag", "BuildKit drops flags of ARG silently"},
	{"FROM x\nSTOPSIGNAL --a 9", true, "unknown-flag", "BuildKit drops flags of STOPSIGNAL silently"},
	{"FROM x\nHEALTHCHECK --interval=1s NONE", true, "flag-ignored", "BuildKit drops the flags silently; a warning"},
	{"FROM --platform= x", true, "missing-flag-value", "an empty value is a template that went wrong"},
	{"FROM x\nCOPY --from= a b", true, "missing-flag-value", "so it would copy from the context"},
	{"FROM x\nRUN --mount=\"type=cache x", false, "unterminated-quote", "BuildKit ends the quote at the end of the line and complains about what it then reads"},
	{"FROM x\nONBUILD RNU y", true, "unknown-instruction", "BuildKit looks at triggers when they run, in a build of somebody else"},
	{"FROM x\nONBUILD COPY a", true, "missing-argument", "as above"},
	{"FROM x AS y\nCOPY --from=y a b", true, "stage-cycle", "BuildKit reports it when it builds the stage graph"},
	{"FROM x\nCOPY --from=z a b\nFROM y AS z", true, "forward-stage", "BuildKit builds it, unless there is a cycle; with mounts it refuses. One rule for both: stages go top down"},
	{"FROM x\nCOPY --chown=\u00e9 a b", true, "", "BuildKit reads flags byte by byte and mangles what is not ASCII"},
	{"FROM x\nRUN --mount=required,type=secret,id=x y", false, "", "BuildKit reads the options in order, and type comes too late; the order means nothing to us"},
	{"FROM x\nCOPY <<'a b' /c\na b\n", true, "", "BuildKit finds the here-document, and then takes the words <<'a and b' for paths"},
	{"FROM x\nCOPY <<  a /c\na\n", true, "", "as above"},
	{"FROM x\nCOPY <<a <<a /c\n1\na\n2\na\n", true, "", "BuildKit gives both files the content of the last"},
	{"// syntax=x\nFROM x", false, "", "BuildKit knows this form when it looks for the frontend, but not when it parses"},
	{"FROM x\nRUN echo \xff", true, "not-utf8", "the IR is UTF-8; better an error than an image with other bytes than the file"},
	{"FROM x\nSHELL [\"a\"]\nRUN a\x00", true, "binary-file", "no text file holds NUL"},
	{"FROM x\nRNU <<EOF\na\nEOF", false, "unknown-instruction", "both refuse it, but we do not report the lines of the here-document as well"},
	{"FROM x\nRUN " + strings.Repeat("a", 1<<16), false, "", "BuildKit reads no line of 64 KiB; the host bounds the file, and a line of data is as good as any"},
	{"FROM x\nEXPOSE x", true, "invalid-port", "BuildKit looks at values when it builds: ports, modes, checksums, platforms, signals, words"},
}

func TestDeliberateDifferences(t *testing.T) {
	for _, d := range deliberate {
		_, err := buildkitFacts([]byte(d.src))
		if (err == nil) != d.buildkit {
			t.Errorf("%.80q: BuildKit: %v; want accepted = %v", d.src, err, d.buildkit)
		}
		var codes []string
		for _, x := range parse(d.src).Diagnostics {
			codes = append(codes, x.Code)
		}
		if want := d.code; want == "" && len(codes) > 0 || want != "" && !slices.Equal(codes, []string{want}) {
			t.Errorf("%.80q: %v, want %q only", d.src, codes, want)
		}
	}
}

// differs reports whether src holds what FuzzOracle must not compare, because
// it is one of the deliberate differences.
func differs(src string) bool {
	ascii := len(src) == utf8.RuneCountInString(src)
	onbuild := strings.Contains(lower(src), "onbuild")
	return onbuild || !ascii && strings.Contains(src, "--") || !utf8.ValidString(src) || strings.ContainsRune(src, 0) ||
		strings.HasPrefix(trimmed(strings.TrimPrefix(src, bom)), "//")
}

// stricter are the codes of errors where BuildKit's instructions package may
// have none: see deliberate.
var stricter = []string{
	"bad-variable", "forward-stage", "invalid-checksum", "invalid-directive", "invalid-mode", "invalid-platform", "invalid-port",
	"invalid-signal", "json-malformed", "missing-argument", "missing-flag-value", "no-from", "stage-cycle", "unknown-flag",
	"unknown-stage", "unterminated-heredoc", "unterminated-quote", "variable-not-supported",
}

// laxer reports whether an error of BuildKit is about something we allow.
func laxer(err error) bool {
	return strings.Contains(err.Error(), "unexpected key 'required' for mount type") // see deliberate
}
