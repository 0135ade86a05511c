// SPDX-License-Identifier: Apache-2.0

package images

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/zlayer/zlayer/host/internal/archive"
	"github.com/zlayer/zlayer/host/internal/registry"
)

// helpArchive is what to do about an archive that cannot be used.
const helpArchive = "use what docker, podman or zlayer saved as docker-archive, oci-archive or oci-layout, and check that all of it is there"

// Load reads the images of an archive or folder, or of a stream where path is
// empty, into the store, under the names they have there. Either all are in the
// store afterwards or none is listed. An error about the archive is an *Error of
// KindArchive.
func (s *Store) Load(ctx context.Context, path string, stream io.Reader, progress Progress) ([]*Image, error) {
	release, err := s.Hold(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	a, err := s.openArchive(ctx, path, stream)
	if err != nil {
		return nil, explainArchive(ctx, err)
	}
	defer a.Close()
	found, err := a.Images()
	if err != nil {
		return nil, explainArchive(ctx, err)
	}
	l := &loading{ctx: ctx, store: s, archive: a, meter: newMeter(progress)}
	for _, image := range found {
		if err := l.load(image); err != nil {
			return nil, explainArchive(ctx, err)
		}
	}
	return l.list()
}

func (s *Store) openArchive(ctx context.Context, path string, stream io.Reader) (*archive.Archive, error) {
	if path != "" {
		return archive.Open(path, s.spool)
	}
	return archive.Read(&ctxReader{ctx, stream}, s.spool)
}

// spool makes a file that has no name, so that it is gone with this process;
// where a file must have one, a later sweep removes it.
func (s *Store) spool() (*os.File, error) {
	f, err := os.CreateTemp(s.path(tempDir), "spool-*")
	if err != nil {
		return nil, err
	}
	_ = os.Remove(f.Name())
	return f, nil
}

// explainArchive says that the archive is to blame, unless somebody else is.
func explainArchive(ctx context.Context, err error) error {
	var own *Error
	var damaged *registry.Error
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &own):
		return err
	case errors.As(err, &damaged):
		return &Error{Kind: KindArchive, Message: fmt.Sprintf("a file in it is damaged: %s: %s", damaged.Reference, damaged.Message), Help: helpArchive}
	}
	return &Error{Kind: KindArchive, Message: "it cannot be loaded", Help: helpArchive, Err: err}
}

// loading is one Load.
type loading struct {
	ctx     context.Context
	store   *Store
	archive *archive.Archive
	meter   *meter
	// entries are those to add to the index, names too.
	entries []v1.Descriptor
	// shown are the entries to tell of.
	shown []v1.Descriptor
}

// load brings one image into the store.
func (l *loading) load(image archive.Image) error {
	names, err := normalAll(image.Names)
	if err != nil {
		return err
	}
	var entries []v1.Descriptor
	if image.OCI != nil {
		entries, err = l.layout(*image.OCI)
	} else {
		entries, err = l.docker(image)
	}
	if err != nil {
		return err
	}
	l.note(entries, names)
	return nil
}

// note notes entries to be listed, under every name.
func (l *loading) note(entries []v1.Descriptor, names []string) {
	for _, d := range entries {
		for _, name := range names {
			l.shown = append(l.shown, named(d, name, ""))
		}
		if len(names) == 0 {
			l.shown = append(l.shown, unnamed(d))
		}
	}
}

// list lists what was loaded: in one step, so that it is all or nothing.
func (l *loading) list() ([]*Image, error) {
	err := l.store.updateIndex(l.ctx, func(index *v1.IndexManifest) error {
		release(index, func(d v1.Descriptor) bool {
			for _, e := range l.shown {
				if entryRef(e) != "" && entryRef(e) == entryRef(d) {
					return true
				}
			}
			return false
		})
		index.Manifests = append(append(index.Manifests, l.shown...), l.entries...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	var all []*Image
	for _, d := range l.shown {
		img, err := l.store.image(d)
		if err != nil {
			return nil, err
		}
		all = append(all, img)
	}
	return all, nil
}

// layout brings an image or a manifest list of an OCI image layout into the
// store. A list of which parts are missing is left to its images that are there.
func (l *loading) layout(d v1.Descriptor) ([]v1.Descriptor, error) {
	if !d.MediaType.IsIndex() {
		entry, err := l.image(d)
		return []v1.Descriptor{entry}, err
	}
	images, missing, err := l.index(d, 0)
	if err != nil {
		return nil, err
	}
	if len(images) == 0 {
		return nil, fmt.Errorf("the manifest list %s has no image that is there", d.Digest)
	}
	if missing {
		return images, nil
	}
	for _, i := range images {
		l.entries = append(l.entries, unnamed(i))
	}
	return []v1.Descriptor{bare(d)}, nil
}

// index brings a list and what it names into the store, itself last. missing
// says that a part is not there; then it is not brought.
func (l *loading) index(d v1.Descriptor, depth int) (images []v1.Descriptor, missing bool, err error) {
	if depth == maxIndexDepth {
		return nil, false, tooDeep(d.Digest.String())
	}
	raw, err := l.document(d)
	if err != nil {
		return nil, false, err
	}
	index, err := v1.ParseIndexManifest(bytes.NewReader(raw))
	if err != nil {
		return nil, false, fmt.Errorf("the manifest list %s is malformed: %w", d.Digest, err)
	}
	for _, part := range index.Manifests {
		found, lacks, err := l.part(part, depth)
		if err != nil {
			return nil, false, err
		}
		images, missing = append(images, found...), missing || lacks
	}
	if !missing {
		_, err = l.store.putBlob(raw)
	}
	return images, missing, err
}

// part brings what a list names.
func (l *loading) part(d v1.Descriptor, depth int) (images []v1.Descriptor, missing bool, err error) {
	switch {
	case d.MediaType.IsIndex():
		images, missing, err = l.index(d, depth+1)
	case d.Annotations[attestation] != "" || !d.MediaType.IsImage():
		err = l.whole(d)
	default:
		var entry v1.Descriptor
		if entry, err = l.image(d); err == nil {
			images = append(images, entry)
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, true, nil
	}
	return images, missing, err
}

// whole brings a manifest and what it names, whatever that is.
func (l *loading) whole(d v1.Descriptor) error {
	if !d.MediaType.IsImage() {
		return l.blob(d)
	}
	raw, err := l.document(d)
	if err != nil {
		return err
	}
	m, err := v1.ParseManifest(bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("the manifest %s is malformed: %w", d.Digest, err)
	}
	for _, b := range distinct(append([]v1.Descriptor{m.Config}, m.Layers...)) {
		if err := l.blob(b); err != nil {
			return err
		}
	}
	_, err = l.store.putBlob(raw)
	return err
}

// image brings an image, and returns its entry of the index.
func (l *loading) image(d v1.Descriptor) (v1.Descriptor, error) {
	raw, err := l.document(d)
	if err != nil {
		return d, err
	}
	if err := loadable(d, raw); err != nil {
		return d, err
	}
	if err := l.whole(d); err != nil {
		return d, err
	}
	entry := bare(d)
	if entry.Platform == nil {
		if entry.Platform, err = l.store.platform(entry); err != nil {
			return d, err
		}
	}
	_, err = l.store.image(entry)
	return entry, err
}

// bare is a descriptor as the store's index has it.
func bare(d v1.Descriptor) v1.Descriptor {
	return v1.Descriptor{MediaType: d.MediaType, Digest: d.Digest, Size: d.Size, Platform: d.Platform}
}

// loadable refuses what is neither a container image nor a wasm artifact.
func loadable(d v1.Descriptor, raw []byte) error {
	if m, err := v1.ParseManifest(bytes.NewReader(raw)); err == nil && m.Config.MediaType == wasmConfigType {
		return nil
	}
	_, err := imageManifest(d.Digest.String(), d.MediaType, raw)
	return err
}

// document reads a manifest of the archive.
func (l *loading) document(d v1.Descriptor) ([]byte, error) {
	if _, err := registry.ParseDigest(d.Digest.String()); err != nil {
		return nil, err
	}
	f, err := l.archive.Open(archive.BlobName(d.Digest))
	if err != nil {
		return nil, err
	}
	src := registry.Checked(f, d, helpArchive)
	defer src.Close()
	return readDocument(src, d.Digest.String())
}

// blob brings a blob into the store, unless it is there.
func (l *loading) blob(d v1.Descriptor) error {
	if l.store.hasBlob(d) {
		l.meter.report(d.Digest.String(), d.Size, d.Size)
		return nil
	}
	if _, err := registry.ParseDigest(d.Digest.String()); err != nil {
		return err
	}
	f, err := l.archive.Open(archive.BlobName(d.Digest))
	if err != nil {
		return err
	}
	src := registry.Checked(f, d, helpArchive)
	defer src.Close()
	w, err := l.store.newBlob()
	if err != nil {
		return err
	}
	defer w.discard()
	if _, err := io.Copy(w, l.counted(src, d.Digest.String(), d.Size)); err != nil {
		return err
	}
	_, err = w.commit()
	return err
}

// counted reads with progress, until the context ends.
func (l *loading) counted(src io.Reader, name string, total int64) io.Reader {
	return &countingReader{src: &ctxReader{l.ctx, src}, name: name, total: total, meter: l.meter}
}
