// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"fmt"
	"os"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Removed says what Remove, or Prune, did.
type Removed struct {
	// Untagged are the references that were taken away.
	Untagged []string
	// Images are the digests of the images and lists that are gone.
	Images []string
	// Bytes is how much room that made on the disk.
	Bytes int64
	// Kept says that the store was in use, so that blobs which nothing needs
	// any more are still there, for Prune.
	Kept bool
}

// Remove takes references away, and images that then have none, or that are
// named by digest. An image with several references, named by digest, is
// refused unless force is set; one that is part of a manifest list always. All
// is removed or nothing.
func (s *Store) Remove(ctx context.Context, words []string, force bool) (*Removed, error) {
	r := &removal{store: s, force: force}
	err := s.updateIndex(ctx, func(index *v1.IndexManifest) error {
		r.index, r.parts = index, s.parts(index)
		for _, word := range words {
			if err := r.remove(word); err != nil {
				return err
			}
		}
		r.orphans()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s.free(r)
}

// removal is a Remove under way.
type removal struct {
	store *Store
	force bool
	index *v1.IndexManifest
	// parts are the images that are part of a list.
	parts map[v1.Hash]*v1.Descriptor
	done  Removed
	// blobs are those that may have become needless.
	blobs []v1.Descriptor
}

// remove removes what one word names.
func (r *removal) remove(word string) error {
	if full, err := Normalize(word); err == nil && r.untag(full) {
		return nil
	}
	found, err := known(r.index, word)
	if err != nil {
		return err
	}
	var names []string
	for _, d := range found {
		if entryRef(d) != "" {
			names = append(names, entryRef(d))
		}
	}
	if list := r.parts[found[0].Digest]; list != nil {
		return &Error{Kind: KindInUse, Reference: word, Message: "it is part of the manifest list " + label(*list), Help: "remove the list first"}
	}
	if len(names) > 1 && !r.force {
		return &Error{
			Kind: KindInUse, Reference: word, Message: fmt.Sprintf("it has several names: %v", names),
			Help: "remove those that are meant by name, or all with --force",
		}
	}
	r.done.Untagged = append(r.done.Untagged, names...)
	r.drop(func(d v1.Descriptor) bool { return d.Digest == found[0].Digest })
	return nil
}

// untag takes a reference away, and says whether there was one.
func (r *removal) untag(full string) bool {
	is := func(d v1.Descriptor) bool { return entryRef(d) == full }
	if !slices.ContainsFunc(r.index.Manifests, is) {
		return false
	}
	r.done.Untagged = append(r.done.Untagged, full)
	r.drop(is)
	return true
}

// drop drops entries; what has no other one, and is in no list, is gone.
func (r *removal) drop(which func(v1.Descriptor) bool) {
	var dropped []v1.Descriptor
	r.index.Manifests = slices.DeleteFunc(r.index.Manifests, func(d v1.Descriptor) bool {
		if which(d) {
			dropped = append(dropped, d)
		}
		return which(d)
	})
	for _, d := range distinct(dropped) {
		if slices.ContainsFunc(r.index.Manifests, func(e v1.Descriptor) bool { return e.Digest == d.Digest }) {
			continue
		}
		if r.parts[d.Digest] != nil {
			r.index.Manifests = append(r.index.Manifests, unnamed(d))
			continue
		}
		tree, _ := r.store.tree(d)
		r.blobs = append(r.blobs, tree...)
		r.done.Images = append(r.done.Images, d.Digest.String())
	}
}

// orphans drops the images that were only there as part of a list that is gone.
func (r *removal) orphans() {
	left := r.store.parts(r.index)
	gone := map[v1.Hash]bool{}
	for h := range r.parts {
		gone[h] = left[h] == nil
	}
	r.parts = left
	r.drop(func(d v1.Descriptor) bool { return entryRef(d) == "" && gone[d.Digest] })
}

// free removes the blobs that nothing needs any more, unless the store is in
// use.
func (s *Store) free(r *removal) (*Removed, error) {
	users := s.users()
	if ok, err := users.TryLock(); err != nil || !ok {
		r.done.Kept = len(r.blobs) > 0
		return &r.done, err
	}
	defer users.Close()
	index, err := s.index()
	if err != nil {
		return &r.done, err
	}
	needed, err := s.needed(index.Manifests)
	if err != nil {
		return &r.done, err
	}
	for _, d := range distinct(r.blobs) {
		if info, err := os.Stat(s.blobPath(d.Digest)); err == nil && !needed[d.Digest] {
			r.done.Bytes += info.Size()
			if err := os.Remove(s.blobPath(d.Digest)); err != nil {
				return &r.done, fmt.Errorf("removing a blob: %w", err)
			}
		}
	}
	return &r.done, nil
}

// needed returns the blobs of some entries. What cannot be read because it is
// not there needs nothing.
func (s *Store) needed(entries []v1.Descriptor) (map[v1.Hash]bool, error) {
	blobs := map[v1.Hash]bool{}
	for _, d := range entries {
		tree, err := s.tree(d)
		if err != nil && !gone(err) {
			return nil, err
		}
		for _, b := range tree {
			blobs[b.Digest] = true
		}
	}
	return blobs, nil
}

// label is how people know an entry.
func label(d v1.Descriptor) string {
	if ref := entryRef(d); ref != "" {
		return ref
	}
	return d.Digest.String()
}
