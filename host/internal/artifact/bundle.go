// SPDX-License-Identifier: Apache-2.0

package artifact

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/zlayer/zlayer/host/internal/registry"
)

const (
	emptyType = "application/vnd.oci.empty.v1+json"
	// anyBundle begins the type of a bundle of any version.
	anyBundle = "application/vnd.dev.sigstore.bundle"
	// maxBundle bounds one bundle, in bytes.
	maxBundle = 4 << 20
	// maxBundles bounds how many bundles of one artifact are read: whoever may
	// write to a repository may add some.
	maxBundles = 100
)

// emptyConfig is the configuration of an artifact that has none.
var emptyConfig = []byte("{}")

// refer makes the manifest that binds a bundle to an artifact, as cosign does.
// The same bundle always makes the same.
func refer(subject v1.Descriptor, bundle []byte) (*document, error) {
	m := &v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: BundleType,
		Config:  v1.Descriptor{MediaType: emptyType, Digest: digestOf(emptyConfig), Size: int64(len(emptyConfig))},
		Layers:  []v1.Descriptor{{MediaType: BundleType, Digest: digestOf(bundle), Size: int64(len(bundle))}},
		Subject: &v1.Descriptor{MediaType: subject.MediaType, Digest: subject.Digest, Size: subject.Size},
	}
	raw, err := json.Marshal(m)
	return &document{raw: raw, oci: m, config: emptyConfig, open: func(context.Context, v1.Descriptor) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(bundle)), nil
	}}, err
}

// mayBundle says whether a list of referrers says of one that it is a bundle.
// Where registries do not support referrers, lists may say it of the
// configuration only, or of nothing.
func mayBundle(d v1.Descriptor) bool {
	return d.ArtifactType == "" || d.ArtifactType == emptyType || strings.HasPrefix(d.ArtifactType, anyBundle)
}

// bundleOf reads the bundle of a referrer. Nil means that it is something else.
func bundleOf(ctx context.Context, subject v1.Hash, raw []byte, open opener) ([]byte, error) {
	m, err := parse(subject.String(), raw)
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(m.ArtifactType, anyBundle) || m.Subject == nil || m.Subject.Digest != subject || len(m.Layers) != 1 {
		return nil, nil
	}
	return readSmall(ctx, m.Layers[0], maxBundle, open)
}

// bundles reads the bundles among the referrers of an artifact. A referrer that
// is listed but not there is passed over.
func bundles(ctx context.Context, subject v1.Hash, list []v1.Descriptor, document func(context.Context, v1.Descriptor) ([]byte, error), open opener) ([][]byte, error) {
	list = slices.DeleteFunc(slices.Clone(list), func(d v1.Descriptor) bool { return !mayBundle(d) })
	if len(list) > maxBundles {
		return nil, unusable(subject.String(), fmt.Errorf("it has more than %d signatures", maxBundles))
	}
	var found [][]byte
	for _, d := range list {
		raw, err := document(ctx, d)
		if err == nil {
			raw, err = bundleOf(ctx, subject, raw, open)
		}
		switch {
		case notFound(err):
		case err != nil:
			return nil, about(subject.String(), err)
		case raw != nil:
			found = append(found, raw)
		}
	}
	return found, nil
}

func notFound(err error) bool {
	var e *registry.Error
	return errors.As(err, &e) && e.Kind == registry.KindNotFound
}

// checkBundle refuses what cannot be a bundle.
func checkBundle(digest string, bundle []byte) error {
	if len(bundle) > maxBundle || !json.Valid(bundle) {
		return &registry.Error{
			Kind: registry.KindUnsupported, Reference: digest, Message: "this is not a sigstore bundle",
			Help: "write it with \"cosign sign-blob --bundle\"",
		}
	}
	return nil
}
