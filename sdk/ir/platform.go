// SPDX-License-Identifier: Apache-2.0

package ir

import (
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// FormatPlatform writes a platform as os/architecture[/variant]. "" for none.
func FormatPlatform(p *irv1.Platform) string {
	if p == nil {
		return ""
	}
	s := p.Os + "/" + p.Architecture
	if p.Variant != "" {
		s += "/" + p.Variant
	}
	return s
}

// A PlatformError says why a text names no platform.
type PlatformError struct {
	// Text is the whole text.
	Text string
	// Problem is what is wrong with it.
	Problem string
}

// Error names the text and the problem.
func (e *PlatformError) Error() string {
	return "platform \"" + e.Text + "\" " + e.Problem
}

// ParsePlatform reads os[/architecture[/variant]], an architecture alone, or an
// operating system alone, and normalises it as containerd and Docker do:
// "x86_64" is "amd64", "arm64/v8" is "arm64". What the text leaves out is taken
// from def.
func ParsePlatform(text string, def *irv1.Platform) (*irv1.Platform, error) {
	parts := strings.Split(text, "/")
	for _, part := range parts {
		if !isName(part, "-_.") {
			return nil, &PlatformError{text, "is not of the form os/architecture[/variant], as in linux/arm64"}
		}
	}
	switch len(parts) {
	case 1:
		return oneWordPlatform(text, def)
	case 2:
		return normalize(parts[0], parts[1], ""), nil
	case 3:
		return normalize(parts[0], parts[1], parts[2]), nil
	}
	return nil, &PlatformError{text, "has more than three parts"}
}

// oneWordPlatform reads an operating system or an architecture.
func oneWordPlatform(word string, def *irv1.Platform) (*irv1.Platform, error) {
	if name := normalOS(word); knownOS[name] {
		p := normalize(name, def.GetArchitecture(), def.GetVariant())
		return p, nil
	}
	if p := normalize(def.GetOs(), word, ""); knownArch[p.Architecture] {
		return p, nil
	}
	return nil, &PlatformError{word, "is neither a known operating system nor a known architecture"}
}

var knownOS = map[string]bool{
	"aix": true, "android": true, "darwin": true, "dragonfly": true, "freebsd": true, "illumos": true,
	"ios": true, "js": true, "linux": true, "netbsd": true, "openbsd": true, "plan9": true,
	"solaris": true, "wasip1": true, "windows": true,
}

var knownArch = map[string]bool{
	"386": true, "amd64": true, "arm": true, "arm64": true, "loong64": true, "mips": true, "mips64": true,
	"mips64le": true, "mipsle": true, "ppc64": true, "ppc64le": true, "riscv64": true, "s390x": true, "wasm": true,
}

func normalOS(s string) string {
	s = strings.ToLower(s)
	if s == "macos" {
		return "darwin"
	}
	return s
}

// normalize applies the aliases of operating systems, architectures and
// variants.
func normalize(system, arch, variant string) *irv1.Platform {
	arch, variant = strings.ToLower(arch), strings.ToLower(variant)
	switch arch {
	case "i386":
		arch, variant = "386", ""
	case "x86_64", "x86-64", "amd64":
		arch = "amd64"
		if variant == "v1" {
			variant = ""
		}
	case "aarch64", "arm64":
		arch = "arm64"
		if variant == "8" || variant == "v8" {
			variant = ""
		}
	case "armhf":
		arch, variant = "arm", "v7"
	case "armel":
		arch, variant = "arm", "v6"
	case "arm":
		variant = armVariant(variant)
	}
	return &irv1.Platform{Os: normalOS(system), Architecture: arch, Variant: variant}
}

func armVariant(v string) string {
	switch v {
	case "", "7":
		return "v7"
	case "5", "6", "8":
		return "v" + v
	}
	return v
}
