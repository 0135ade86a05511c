// SPDX-License-Identifier: Apache-2.0

package artifact

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/zlayer/zlayer/host/internal/registry"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// maxDocument bounds OCI manifests and indexes, in bytes. It is the size that
// registries take at least.
const maxDocument = 4 << 20

// received makes an artifact of a manifest that came from somewhere: it reads
// the configuration and checks both. The media type is what came with it.
func received(ctx context.Context, reference string, raw []byte, mt types.MediaType, open opener) (*Artifact, error) {
	m, err := parse(reference, raw)
	if err != nil {
		return nil, err
	}
	if m.MediaType == "" {
		m.MediaType = mt
	}
	if err := isPlugin(reference, m); err != nil {
		return nil, err
	}
	plugin, err := readSmall(ctx, m.Config, manifest.MaxSize, open)
	if err != nil {
		return nil, about(reference, err)
	}
	p, err := parsePlugin(plugin)
	if err == nil {
		err = match(p, m.Layers)
	}
	if err != nil {
		return nil, unusable(reference, err)
	}
	return &Artifact{document{raw: raw, oci: m, config: plugin, open: open}, p}, nil
}

func parsePlugin(plugin []byte) (*manifest.Manifest, error) {
	p, err := manifest.Parse(plugin)
	if err == nil {
		err = p.Validate()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", manifest.FileName, err)
	}
	return p, nil
}

// match checks that the layers are the plugin's files.
func match(p *manifest.Manifest, layers []v1.Descriptor) error {
	files, seen := map[string]bool{}, map[string]int64{}
	for _, f := range p.Files {
		files[f.Digest] = true
	}
	for _, l := range layers {
		digest := l.Digest.String()
		size, again := seen[digest]
		switch {
		case !files[digest]:
			return fmt.Errorf("layer %s is no file of %s", digest, manifest.FileName)
		case l.Size < 0 || again && size != l.Size:
			return fmt.Errorf("layer %s has a wrong size", digest)
		}
		seen[digest] = l.Size
	}
	for _, f := range p.Files {
		if _, ok := seen[f.Digest]; !ok {
			return fmt.Errorf("%s of %s has no layer", f.Path, manifest.FileName)
		}
	}
	return nil
}

// isPlugin refuses the manifest of something else.
func isPlugin(reference string, m *v1.Manifest) error {
	e := &registry.Error{
		Kind: registry.KindUnsupported, Reference: reference,
		Help: "check the name: plugins are what \"zlayer plugin publish\" puts there",
	}
	switch {
	case m.ArtifactType == Type && m.MediaType == types.OCIManifestSchema1 && m.Config.MediaType == ManifestType:
		return nil
	case m.ArtifactType == Type:
		e.Message = fmt.Sprintf("this plugin has a manifest of type %q and a configuration of type %q, which zlayer cannot use", m.MediaType, m.Config.MediaType)
		e.Help = "update zlayer, or tell who published it"
	case m.ArtifactType == "" && (m.MediaType.IsIndex() || m.MediaType.IsSchema1() || m.Config.MediaType.IsConfig()):
		e.Message = "this is a container image, not a plugin"
	case m.ArtifactType == "":
		e.Message = fmt.Sprintf("this is an artifact of type %q, not a plugin", m.Config.MediaType)
	default:
		e.Message = fmt.Sprintf("this is an artifact of type %q, not a plugin", m.ArtifactType)
	}
	return e
}

// parse reads an OCI manifest.
func parse(reference string, raw []byte) (*v1.Manifest, error) {
	m := &v1.Manifest{}
	if len(raw) > maxDocument {
		return nil, unusable(reference, fmt.Errorf("its OCI manifest has %d bytes, more than %d", len(raw), maxDocument))
	}
	if err := json.Unmarshal(raw, m); err != nil {
		return nil, unusable(reference, fmt.Errorf("its OCI manifest is malformed: %w", err))
	}
	return m, nil
}

// readSmall reads a blob whole that may not be larger than a limit.
func readSmall(ctx context.Context, d v1.Descriptor, limit int64, open opener) ([]byte, error) {
	if d.Size < 0 || d.Size > limit {
		return nil, unusable(d.Digest.String(), fmt.Errorf("a %s of %d bytes is refused: there may be %d", d.MediaType, d.Size, limit))
	}
	r, err := open(ctx, d)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r) // checked: it ends at the size
}

// about says which artifact an error about one of its blobs is about.
func about(reference string, err error) error {
	var e *registry.Error
	if errors.As(err, &e) {
		return &registry.Error{Kind: e.Kind, Reference: reference, Message: e.Message, Help: e.Help, Err: e.Err}
	}
	return err
}

// unusable is an artifact that is not as it must be.
func unusable(reference string, err error) error {
	return &registry.Error{
		Kind: registry.KindUnsupported, Reference: reference, Message: "the plugin cannot be used",
		Help: "tell who published it, or use another version", Err: err,
	}
}
