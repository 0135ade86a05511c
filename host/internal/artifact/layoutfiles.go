// SPDX-License-Identifier: Apache-2.0

package artifact

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// open opens a regular file of the layout: opening a pipe could take for ever.
func (l *Layout) open(name string) (*os.File, error) {
	info, err := l.root.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		return nil, l.unusable(name+" is not a file", helpOther, nil)
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", l.dir, err)
	}
	f, err := l.root.Open(name)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", l.dir, err)
	}
	return f, nil
}

// readFile reads a document of the layout.
func (l *Layout) readFile(name string) ([]byte, error) {
	f, err := l.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxDocument+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", l.dir, err)
	}
	if len(data) > maxDocument {
		return nil, l.unusable(fmt.Sprintf("its %s has more than %d bytes", name, maxDocument), helpOther, nil)
	}
	return data, nil
}

// writeFile puts a whole file in its place, or nothing.
func (l *Layout) writeFile(name string, content io.Reader) error {
	temp := path.Join(path.Dir(name), "new-"+rand.Text())
	f, err := l.root.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer l.root.Remove(temp) //nolint:errcheck // after the rename there is nothing left to remove
	_, err = io.Copy(f, content)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return l.root.Rename(temp, name)
}

// putBlob writes a blob, unless it is there and sound.
func (l *Layout) putBlob(ctx context.Context, d v1.Descriptor, open opener) error {
	if l.sound(ctx, d) {
		return nil
	}
	src, err := open(ctx, d)
	if err != nil {
		return err
	}
	defer src.Close()
	if err := l.writeFile(blobPath(d.Digest), src); err != nil {
		return fmt.Errorf("writing %s to %s: %w", d.Digest, l.dir, err)
	}
	return nil
}

func (l *Layout) sound(ctx context.Context, d v1.Descriptor) bool {
	r, err := l.blob(ctx, d)
	if err != nil {
		return false
	}
	defer r.Close()
	_, err = io.Copy(io.Discard, r)
	return err == nil
}

// put writes a document: its blobs, then itself, then its entry of the index,
// so that what the index names is whole.
func (l *Layout) put(ctx context.Context, doc *document, name string) error {
	for _, d := range append([]v1.Descriptor{doc.oci.Config}, doc.oci.Layers...) {
		if err := l.putBlob(ctx, d, doc.blob); err != nil {
			return err
		}
	}
	entry := doc.descriptor()
	if err := l.putBlob(ctx, entry, func(context.Context, v1.Descriptor) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(doc.raw)), nil
	}); err != nil {
		return err
	}
	if name != "" {
		entry.Annotations = map[string]string{refKey: name}
	}
	return l.addEntry(entry)
}

// addEntry adds an entry to the index in place of one with the same name, or
// the same entry without a name.
func (l *Layout) addEntry(entry v1.Descriptor) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	index, err := l.index()
	if err != nil {
		return err
	}
	name := entry.Annotations[refKey]
	index.Manifests = slices.DeleteFunc(index.Manifests, func(d v1.Descriptor) bool {
		other := d.Annotations[refKey]
		return other == name && (name != "" || d.Digest == entry.Digest)
	})
	index.Manifests = append(index.Manifests, entry)
	return l.writeIndex(index)
}

// index reads index.json.
func (l *Layout) index() (*v1.IndexManifest, error) {
	data, err := l.readFile(indexFile)
	if err != nil {
		return nil, err
	}
	index := &v1.IndexManifest{}
	if err := json.Unmarshal(data, index); err != nil {
		return nil, l.unusable("its index.json is malformed", helpOther, err)
	}
	sortEntries(index)
	return index, nil
}

// writeIndex writes index.json; the same entries are always the same bytes.
func (l *Layout) writeIndex(index *v1.IndexManifest) error {
	index.SchemaVersion, index.MediaType = 2, types.OCIImageIndex
	sortEntries(index)
	data, err := json.Marshal(index)
	if err != nil {
		return err
	}
	return l.writeFile(indexFile, bytes.NewReader(data))
}

func sortEntries(index *v1.IndexManifest) {
	slices.SortStableFunc(index.Manifests, func(a, b v1.Descriptor) int {
		return cmp.Or(cmp.Compare(a.Annotations[refKey], b.Annotations[refKey]), cmp.Compare(a.Digest.String(), b.Digest.String()))
	})
}
