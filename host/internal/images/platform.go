// SPDX-License-Identifier: Apache-2.0

package images

import (
	"runtime"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// orHost returns the platform, or Linux on this machine's CPU for nil.
func orHost(p *irv1.Platform) *irv1.Platform {
	if p == nil {
		return &irv1.Platform{Os: "linux", Architecture: runtime.GOARCH}
	}
	return p
}

func platformOf(p *v1.Platform) *irv1.Platform {
	if p == nil {
		return &irv1.Platform{}
	}
	return &irv1.Platform{Os: p.OS, Architecture: p.Architecture, Variant: p.Variant}
}

func descriptorPlatform(p *irv1.Platform) *v1.Platform {
	return &v1.Platform{OS: p.GetOs(), Architecture: p.GetArchitecture(), Variant: p.GetVariant()}
}

// spell writes a platform as people do: "linux/arm/v7".
func spell(p *irv1.Platform) string {
	parts := []string{p.GetOs(), p.GetArchitecture(), p.GetVariant()}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), "/")
}

func spellAll(ps []*irv1.Platform) string {
	var all []string
	for _, p := range ps {
		if s := spell(p); s != "" && !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// defaultVariant is the variant that is meant when none is given.
var defaultVariant = map[string]string{"amd64": "v1", "arm": "v7", "arm64": "v8"}

// match says how well an image of platform have runs on platform want: 0 not
// at all, more is better. A CPU runs code for the lower variants of its
// architecture; the nearest is the best.
func match(want, have *irv1.Platform) int {
	const best = 1 << 10
	if want.GetOs() != have.GetOs() || want.GetArchitecture() != have.GetArchitecture() {
		return 0
	}
	wv, hv := variantOf(want), variantOf(have)
	if wv == hv {
		return best
	}
	wn, ok1 := variantNumber(wv)
	hn, ok2 := variantNumber(hv)
	if !ok1 || !ok2 || hn > wn {
		return 0
	}
	return max(1, best-(wn-hn))
}

func variantOf(p *irv1.Platform) string {
	if p.GetVariant() != "" {
		return p.GetVariant()
	}
	return defaultVariant[p.GetArchitecture()]
}

// variantNumber reads "v8" as 80 and "v8.2" as 82.
func variantNumber(v string) (int, bool) {
	major, minor, _ := strings.Cut(strings.TrimPrefix(v, "v"), ".")
	a, err := strconv.Atoi(major)
	if err != nil {
		return 0, false
	}
	b, err := strconv.Atoi("0" + minor)
	return a*10 + b, err == nil
}

// suits is match for one image: an image that does not say what it is for
// suits every platform.
func suits(want, have *irv1.Platform) bool {
	return have.GetOs() == "" && have.GetArchitecture() == "" || match(want, have) > 0
}
