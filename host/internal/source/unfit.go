// SPDX-License-Identifier: Apache-2.0

package source

import (
	"errors"

	"github.com/zlayer/zlayer/host/internal/store"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// unfit says whether an error is that this host cannot use a release, so that
// another version may do.
func unfit(err error) bool {
	var (
		protocol *manifest.VersionError
		platform *store.PlatformError
		schema   *manifest.SchemaError
	)
	return errors.As(err, &protocol) || errors.As(err, &platform) || errors.As(err, &schema)
}

// instead adds to such an error which version can be used.
func instead(err error, v string) {
	var (
		protocol *manifest.VersionError
		platform *store.PlatformError
	)
	switch {
	case errors.As(err, &protocol):
		protocol.Install = v
	case errors.As(err, &platform):
		platform.Install = v
	}
}
