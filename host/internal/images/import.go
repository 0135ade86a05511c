// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/zlayer/zlayer/host/internal/archive"
)

// Chosen says which image of an OCI image layout is meant. Without tag and
// digest it is the one that is called "latest", or the only one.
type Chosen struct {
	// Tag is what the layout calls it. May be empty.
	Tag string
	// Digest is that of its manifest, or manifest list. May be empty.
	Digest string
}

// Import reads one image of an OCI image layout into the store, without a name,
// and returns the digest of its manifest, or manifest list. An error about the
// layout is an *Error of KindArchive.
func (s *Store) Import(ctx context.Context, path string, chosen Chosen, progress Progress) (string, error) {
	release, err := s.Hold(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	a, err := s.openArchive(ctx, path, nil)
	if err != nil {
		return "", explainArchive(ctx, err)
	}
	defer a.Close()
	found, err := a.Images()
	if err == nil && found[0].OCI == nil {
		err = fmt.Errorf("it is no OCI image layout")
	}
	if err != nil {
		return "", explainArchive(ctx, err)
	}
	image, err := chosen.of(found)
	if err != nil {
		return "", err
	}
	l := &loading{ctx: ctx, store: s, archive: a, meter: newMeter(progress)}
	entries, err := l.layout(*image.OCI)
	if err == nil && len(entries) > 1 {
		err = fmt.Errorf("images of the manifest list %s are missing", image.OCI.Digest)
	}
	if err != nil {
		return "", explainArchive(ctx, err)
	}
	l.note(entries, nil)
	_, err = l.list()
	return entries[0].Digest.String(), err
}

// of returns the image that is meant.
func (c Chosen) of(found []archive.Image) (archive.Image, error) {
	if c.Digest == "" && c.Tag == "" && len(found) == 1 {
		return found[0], nil
	}
	tag := c.Tag
	if c.Digest == "" && tag == "" {
		tag = "latest"
	}
	i := slices.IndexFunc(found, func(a archive.Image) bool {
		return (c.Digest == "" || a.OCI.Digest.String() == c.Digest) && (tag == "" || called(a, tag))
	})
	if i >= 0 {
		return found[i], nil
	}
	var all []string
	for _, a := range found {
		all = append(all, a.OCI.Digest.String())
		all = append(all, a.Names...)
		all = append(all, a.Tags...)
	}
	return archive.Image{}, &Error{
		Kind: KindArchive, Message: "the layout has no such image",
		Help: "name one by :TAG or @DIGEST; there are " + strings.Join(all, ", "),
	}
}

// called says whether a layout calls an image so, in full or by its tag.
func called(a archive.Image, tag string) bool {
	return slices.Contains(a.Tags, tag) || slices.ContainsFunc(a.Names, func(name string) bool {
		return name == tag || strings.HasSuffix(name, ":"+tag)
	})
}
