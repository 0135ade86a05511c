// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/zlayer/zlayer/host/internal/images"
)

// layoutReference begins the references of images that came from layouts. No
// registry has such a name (RFC 6761), and an image has the same one wherever
// its layout is.
const layoutReference = "oci-layout.invalid/image@"

// image brings the image of a layout into the store, where it stays until Close
// at least.
func (f *Fetched) image(ctx context.Context, l Layout) (Context, error) {
	release, err := f.host.holdImages(ctx)
	if err != nil {
		return Context{}, err
	}
	f.releases = append(f.releases, release)
	store, err := f.host.images()
	if err != nil {
		return Context{}, err
	}
	digest, err := store.Import(ctx, l.Path, images.Chosen{Tag: l.Tag, Digest: l.Digest}, f.emit.transfer(EventLoad, l.String()))
	var own *images.Error
	if errors.As(err, &own) {
		return Context{}, &InputError{Message: fmt.Sprintf("the build context %s cannot be used: %s", l, own.Message), Help: own.Help, Err: own.Err}
	}
	return Context{Image: layoutReference + digest}, imageError(err)
}

// pullPolicy is when an image is fetched: never what came from a layout.
func (r Request) pullPolicy(reference string) images.Policy {
	if strings.HasPrefix(reference, layoutReference) {
		return images.PolicyNever
	}
	return images.Policy(r.Pull)
}
