// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"

	"github.com/zlayer/zlayer/host/internal/registry"
)

// Login asks a registry, "host[:port]" or "" for docker.io, whether it accepts a
// user's password, and keeps them where docker and podman would: in the auth
// file, or in the credential helper that it names. It returns the file.
func (h *Host) Login(ctx context.Context, server, user, password string) (string, error) {
	file, err := h.registries().Login(ctx, server, user, password)
	return file, loginError(err)
}

// Logout forgets the credentials for a registry, and returns the auth files that
// had some.
func (h *Host) Logout(_ context.Context, server string) ([]string, error) {
	files, err := h.registries().Logout(server)
	return files, loginError(err)
}

// registries returns a client for what is not about the image store.
func (h *Host) registries() *registry.Client {
	return registry.New(registry.Options{Insecure: h.config.InsecureRegistries})
}

// loginError is imageError where all else is about the files with credentials.
func loginError(err error) error {
	var remote *registry.Error
	var login *registry.CredentialsError
	if err == nil || errors.As(err, &remote) || errors.As(err, &login) || errors.Is(err, context.Canceled) {
		return imageError(err)
	}
	return &InputError{
		Message: "the credentials cannot be kept or removed", Help: "check the file, and the credential helper that it names; REGISTRY_AUTH_FILE names another file", Err: err,
	}
}
