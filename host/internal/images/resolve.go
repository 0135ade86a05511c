// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/zlayer/zlayer/host/internal/registry"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// Request asks for an image.
type Request struct {
	// Reference is the image.
	Reference string
	// Platform is what it must run on. Nil means Linux on this CPU.
	Platform *irv1.Platform
	// Policy says when a registry is asked. Empty means PolicyMissing.
	Policy Policy
	// Progress reports the blobs that are fetched. May be nil.
	Progress Progress
}

// Resolve returns the image a reference means for a platform, and sees to it
// that all its blobs are in the store. A reference that was tagged here means
// that image, unless the policy is PolicyAlways. Errors are *Error or
// *registry.Error where the user can do something.
func (s *Store) Resolve(ctx context.Context, r Request) (*Image, error) {
	ref, err := Normalize(r.Reference)
	if err != nil {
		return nil, err
	}
	release, err := s.Hold(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	r.Platform = orHost(r.Platform)
	have, err := s.lookUp(ref, r.Platform)
	if err != nil {
		return nil, err
	}
	switch ask, err := have.ask(r, ref); {
	case err != nil:
		return nil, err
	case ask == askNobody:
		return s.image(*have.entry)
	case ask == askDigest:
		return s.refresh(ctx, r, ref, have)
	}
	return s.fetch(ctx, r, ref, have)
}

// stored is what the store knows about a reference.
type stored struct {
	// entry is the image for the platform. Nil when there is none.
	entry *v1.Descriptor
	// others are the platforms it is there for, when entry is nil.
	others []*irv1.Platform
	// made says that the reference was tagged here.
	made bool
}

// lookUp finds the best whole image for a normalised reference.
func (s *Store) lookUp(ref string, want *irv1.Platform) (*stored, error) {
	index, err := s.index()
	if err != nil {
		return nil, err
	}
	images, err := s.flatten(meant(index.Manifests, ref))
	if err != nil && !gone(err) {
		return nil, err
	}
	have := &stored{}
	images = slices.DeleteFunc(images, func(d v1.Descriptor) bool { return !s.whole(d) })
	for _, d := range images {
		have.made = have.made || entryRef(d) == ref && entryOrigin(d) == ""
	}
	have.entry, have.others = best(images, want)
	return have, nil
}

// best returns the image that suits a platform best, nil when none does, and
// the platforms of all.
func best(images []v1.Descriptor, want *irv1.Platform) (found *v1.Descriptor, all []*irv1.Platform) {
	score := 0
	for _, d := range images {
		platform := platformOf(d.Platform)
		all = append(all, platform)
		n := match(want, platform)
		if n == 0 && suits(want, platform) {
			n = 1
		}
		if n > score {
			score, found = n, &d
		}
	}
	return found, all
}

// question is what to ask a registry.
type question int

const (
	askNobody question = iota
	askDigest
	askAll
)

// ask applies the policy.
func (h *stored) ask(r Request, ref string) (question, error) {
	fixed := strings.Contains(ref, "@") // a digest always means the same
	switch r.Policy {
	case PolicyMissing, "", PolicyNever, PolicyNewer, PolicyAlways:
	default:
		return 0, fmt.Errorf("unknown pull policy %q: use missing, newer, always or never", r.Policy)
	}
	switch {
	case h.entry != nil && (fixed || r.Policy == PolicyNever || r.Policy == PolicyMissing || r.Policy == ""):
		return askNobody, nil
	case h.entry != nil && r.Policy == PolicyNewer && h.made:
		return askNobody, nil
	case h.entry != nil && r.Policy == PolicyNewer:
		return askDigest, nil
	case r.Policy == PolicyAlways:
		return askAll, nil
	case h.made, r.Policy == PolicyNever && len(h.others) > 0:
		return 0, wrongPlatform(r.Reference, r.Platform, h.others)
	case r.Policy == PolicyNever:
		return 0, &Error{
			Kind: KindNotLocal, Reference: r.Reference, Message: "the store has no such image, and the policy is never to pull",
			Help: "build or tag it first, or use --pull missing",
		}
	}
	return askAll, nil
}

// refresh fetches an image when the registry has another one than the store.
// Without an answer the stored one is good enough.
func (s *Store) refresh(ctx context.Context, r Request, ref string, have *stored) (*Image, error) {
	p, err := s.newPull(r.Reference, r.Platform, r.Progress)
	if err != nil {
		return nil, err
	}
	digest, err := p.head(ctx)
	if err == nil && digest != entryOrigin(*have.entry) {
		return s.fetch(ctx, r, ref, have)
	}
	if ctx.Err() != nil {
		return nil, err
	}
	img, readErr := s.image(*have.entry)
	if readErr == nil {
		img.Unchecked = err
	}
	return img, readErr
}

// fetch pulls an image and records what the reference means now.
func (s *Store) fetch(ctx context.Context, r Request, ref string, have *stored) (*Image, error) {
	p, err := s.newPull(r.Reference, r.Platform, r.Progress)
	if err != nil {
		return nil, err
	}
	entry, origin, err := p.fetch(ctx)
	if err != nil {
		return nil, hint(err, have)
	}
	entry = named(entry, ref, origin)
	err = s.updateIndex(ctx, func(index *v1.IndexManifest) error {
		release(index, func(d v1.Descriptor) bool {
			return entryRef(d) == ref && (d.MediaType.IsIndex() || entryOrigin(d) == "" || spell(platformOf(d.Platform)) == spell(platformOf(entry.Platform)))
		})
		index.Manifests = append(index.Manifests, entry)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s.image(entry)
}

// hint adds how to do without the registry.
func hint(err error, have *stored) error {
	const made = "there is an image with this name that was made here: --pull missing uses it"
	var own *Error
	var e *registry.Error
	switch {
	case errors.As(err, &own) && have.made && own.Kind != KindDamaged:
		own.Help = made
	case !errors.As(err, &e) || e.Kind == registry.KindDamaged:
	case have.made:
		e.Help = made
	case e.Kind == registry.KindUnreachable:
		e.Help += "; --pull never uses only what is stored"
	}
	return err
}
