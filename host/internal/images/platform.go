// SPDX-License-Identifier: Apache-2.0

package images

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

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

// maxIndexDepth bounds indexes inside indexes.
const maxIndexDepth = 4

// choose finds the image manifest for the platform, and the platform that its
// index says it is for. That is nil for an image that is not in an index.
func (p *pull) choose(ctx context.Context, top *remote.Descriptor) (*remote.Descriptor, *v1.Platform, error) {
	if top.MediaType.IsImage() {
		return top, nil, nil
	}
	found, err := p.candidates(ctx, top, 0)
	if err != nil {
		return nil, nil, err
	}
	var have []*irv1.Platform
	best, score := -1, 0
	for i, c := range found {
		have = append(have, platformOf(c.Platform))
		if n := match(p.want, have[i]); n > score {
			best, score = i, n
		}
	}
	if best < 0 {
		return nil, nil, wrongPlatform(p.Ref().String(), p.want, have)
	}
	desc, err := p.get(ctx, found[best].Digest)
	return desc, found[best].Platform, err
}

// candidates lists the images of an index and of the indexes in it.
func (p *pull) candidates(ctx context.Context, d *remote.Descriptor, depth int) ([]v1.Descriptor, error) {
	if !d.MediaType.IsIndex() {
		return nil, unsupportedManifest(p.Ref().String(), d.MediaType)
	}
	if depth == maxIndexDepth {
		return nil, tooDeep(p.Ref().String())
	}
	index, err := v1.ParseIndexManifest(bytes.NewReader(d.Manifest))
	if err != nil {
		return nil, malformed(p.Ref().String(), "index", err)
	}
	var found []v1.Descriptor
	for _, m := range index.Manifests {
		switch {
		case m.Annotations[attestation] != "":
			// An attestation about another image of the index.
		case m.MediaType.IsImage():
			found, err = p.candidate(ctx, found, m)
		case m.MediaType.IsIndex():
			var inner *remote.Descriptor
			if inner, err = p.get(ctx, m.Digest); err == nil {
				var more []v1.Descriptor
				more, err = p.candidates(ctx, inner, depth+1)
				found = append(found, more...)
			}
		}
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// candidate adds an image; where the index does not say its platform, its
// configuration does.
func (p *pull) candidate(ctx context.Context, found []v1.Descriptor, m v1.Descriptor) ([]v1.Descriptor, error) {
	if m.Platform != nil {
		return append(found, m), nil
	}
	desc, err := p.get(ctx, m.Digest)
	if err != nil {
		return nil, err
	}
	manifest, err := v1.ParseManifest(bytes.NewReader(desc.Manifest))
	if err != nil {
		return nil, malformed(p.Ref().String(), "manifest", err)
	}
	if !manifest.Config.MediaType.IsConfig() {
		return found, nil
	}
	config, err := p.config(ctx, manifest)
	if err != nil {
		return nil, err
	}
	m.Platform = config.Platform()
	return append(found, m), nil
}

func (p *pull) get(ctx context.Context, h v1.Hash) (*remote.Descriptor, error) {
	return p.Puller().Get(ctx, p.Ref().Context().Digest(h.String()))
}

func wrongPlatform(reference string, want *irv1.Platform, have []*irv1.Platform) error {
	return &Error{
		Kind: KindPlatform, Reference: reference,
		Message: fmt.Sprintf("there is no image for %s; there is: %s", spell(want), spellAll(have)),
		Help:    "choose one of these with --platform, or another image",
	}
}
