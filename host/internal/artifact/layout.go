// SPDX-License-Identifier: Apache-2.0

package artifact

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/zlayer/zlayer/host/internal/registry"
)

// Names and contents of an OCI image layout (image-spec, image-layout.md).
const (
	layoutFile    = "oci-layout"
	layoutContent = `{"imageLayoutVersion":"1.0.0"}`
	indexFile     = "index.json"
	blobsDir      = "blobs/sha256"
	refKey        = "org.opencontainers.image.ref.name"
)

const (
	helpAgain = "get it again: the copy is damaged"
	helpOther = "name another folder or file"
)

// Layout is an OCI image layout with releases of any number of plugins. Its
// index names each "<id>:<tag>"; signatures are in it without a name. Methods
// are safe for concurrent use, by one process.
type Layout struct {
	dir  string
	root *os.Root
	mu   sync.Mutex // held while the index changes
}

// Entry is one name in the index of a Layout.
type Entry struct {
	// ID is the plugin.
	ID string
	// Tag is the tag of the release; see Version.
	Tag string
	// Digest is that of the artifact, "sha256:…".
	Digest string
}

// OpenLayout opens a folder. Its links do not lead out of it. What is not of a
// layout is not looked at.
func OpenLayout(dir string) (*Layout, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", dir, err)
	}
	l := &Layout{dir: dir, root: root}
	if err := l.check(); err != nil {
		root.Close()
		return nil, err
	}
	return l, nil
}

// CreateLayout opens a folder that is an OCI image layout, or makes an empty or
// a missing folder one.
func CreateLayout(dir string) (*Layout, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making an OCI image layout: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("making an OCI image layout: %w", err)
	}
	if len(entries) > 0 {
		return OpenLayout(dir)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("making an OCI image layout: %w", err)
	}
	l := &Layout{dir: dir, root: root}
	if err := l.create(); err != nil {
		root.Close()
		return nil, fmt.Errorf("making an OCI image layout in %s: %w", dir, err)
	}
	return l, nil
}

// create writes what makes an empty folder a layout; oci-layout last.
func (l *Layout) create() error {
	if err := l.root.MkdirAll(blobsDir, 0o755); err != nil {
		return err
	}
	if err := l.writeIndex(&v1.IndexManifest{Manifests: []v1.Descriptor{}}); err != nil {
		return err
	}
	return l.writeFile(layoutFile, strings.NewReader(layoutContent))
}

// check reads oci-layout.
func (l *Layout) check() error {
	data, err := l.readFile(layoutFile)
	if errors.Is(err, fs.ErrNotExist) {
		return l.unusable("this is not an OCI image layout", helpOther, nil)
	}
	if err != nil {
		return err
	}
	var doc struct {
		Version string `json:"imageLayoutVersion"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return l.unusable("its oci-layout is malformed", helpOther, err)
	}
	if doc.Version != "1.0.0" {
		return l.unusable(fmt.Sprintf("this is an OCI image layout of version %q, and only 1.0.0 is known", doc.Version), "update zlayer", nil)
	}
	_, err = l.index()
	return err
}

// Close closes the folder. Nothing can be read from its artifacts after that.
func (l *Layout) Close() error { return l.root.Close() }

// Entries lists the named artifacts, as the index has them: sorted, and not yet
// checked. Other things of the layout are not in the list.
func (l *Layout) Entries() ([]Entry, error) {
	index, err := l.index()
	if err != nil {
		return nil, err
	}
	var list []Entry
	for _, d := range index.Manifests {
		if id, tag, ok := named(d); ok {
			list = append(list, Entry{ID: id, Tag: tag, Digest: d.Digest.String()})
		}
	}
	return list, nil
}

// named splits the name of an entry of the index. An id has no colon.
func named(d v1.Descriptor) (id, tag string, ok bool) {
	id, tag, ok = strings.Cut(d.Annotations[refKey], ":")
	return id, tag, ok && id != "" && tag != "" && d.ArtifactType != BundleType
}

// Plugin is the repository of one plugin, whether or not the layout has
// releases of it.
func (l *Layout) Plugin(id string) Repository { return &layoutRepository{layout: l, id: id} }

// unusable is a layout that is not as it must be.
func (l *Layout) unusable(message, help string, err error) error {
	return &registry.Error{Kind: registry.KindUnsupported, Reference: l.dir, Message: message, Help: help, Err: err}
}

// blob opens a blob. It is an opener.
func (l *Layout) blob(_ context.Context, d v1.Descriptor) (io.ReadCloser, error) {
	if _, err := registry.ParseDigest(d.Digest.String()); err != nil {
		return nil, err
	}
	f, err := l.open(blobPath(d.Digest))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &registry.Error{
			Kind: registry.KindDamaged, Reference: l.dir, Message: "the OCI image layout lacks blob " + d.Digest.String(), Help: helpAgain,
		}
	}
	if err != nil {
		return nil, err
	}
	return registry.Checked(f, d, helpAgain), nil
}

func blobPath(h v1.Hash) string { return blobsDir + "/" + h.Hex }
