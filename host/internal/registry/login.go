// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	registrytransport "github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// dockerHub is Docker's registry as people name it.
const dockerHub = "docker.io"

// Login asks a registry, "host[:port]", whether it accepts a user's password,
// and then keeps them where the next request looks first: in the credential
// helper that the auth file names, else in the file. It returns the file. What
// else is in it stays. Errors are *Error where the registry has a part in them;
// none shows the password.
func (c *Client) Login(ctx context.Context, server, user, password string) (string, error) {
	reg, err := c.server(server)
	if err != nil {
		return "", err
	}
	auth := authn.FromConfig(authn.AuthConfig{Username: user, Password: password})
	if err := c.accepted(ctx, reg, auth); err != nil {
		return "", err
	}
	file, err := c.loginFile(authKeys(reg))
	if err != nil {
		return "", err
	}
	if err := file.store(authKeys(reg)[0], user, password); err != nil {
		return "", fmt.Errorf("keeping the credentials in %s: %w", file.path, err)
	}
	return file.path, nil
}

// Logout forgets what is known of us for a registry, "host[:port]", in every
// auth file and helper. It returns the files that had something.
func (c *Client) Logout(server string) ([]string, error) {
	reg, err := c.server(server)
	if err != nil {
		return nil, err
	}
	var had []string
	for _, path := range c.options.AuthFiles {
		file, err := readAuthFile(path)
		if err != nil {
			return had, err
		}
		removed, err := file.erase(authKeys(reg))
		if err != nil {
			return had, fmt.Errorf("forgetting the credentials in %s: %w", path, err)
		}
		if removed {
			had = append(had, path)
		}
	}
	return had, nil
}

// server parses the name of a registry.
func (c *Client) server(server string) (name.Registry, error) {
	host := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(server, "https://"), "http://"), "/")
	host = cmp.Or(strings.TrimSuffix(host, "/v1"), dockerHub) // docker names its own registry so
	var options []name.Option
	if c.options.insecure(host) {
		options = append(options, name.Insecure)
	}
	reg, err := name.NewRegistry(host, append(options, name.StrictValidation)...)
	if err != nil || strings.Contains(host, "/") {
		return reg, &Error{Kind: KindReference, Reference: server, Message: "this is not the name of a registry", Help: `write it as "host" or "host:port"`}
	}
	return reg, nil
}

// accepted asks a registry whether it knows us.
func (c *Client) accepted(ctx context.Context, reg name.Registry, auth authn.Authenticator) error {
	x := &exchange{
		client: c, reference: reg.RegistryStr(), server: reg.RegistryStr(), missing: "check the name of the registry",
		denied: func() string {
			return "check the user name and the password; where a second factor is on, an access token takes the password's place"
		},
	}
	known, err := registrytransport.NewWithContext(ctx, reg, auth, c.transport, nil)
	if err != nil {
		return x.explain(ctx, err)
	}
	src, _, err := get(ctx, &http.Client{Transport: known}, reg.Scheme()+"://"+reg.RegistryStr()+"/v2/", part{})
	if err != nil {
		return x.explain(ctx, err)
	}
	return src.Close()
}

// authKeys are the names that auth files have for a registry; the first is the
// one to write, which docker and podman both read.
func authKeys(reg name.Registry) []string {
	if host := reg.RegistryStr(); host != name.DefaultRegistry {
		return []string{host}
	}
	return []string{authn.DefaultAuthKey, dockerHub}
}

// loginFile is the auth file to write: the one that has something for the
// registry already, since it is believed; else the one the user named, else the
// first that there is, else the first that could be.
func (c *Client) loginFile(keys []string) (*authFile, error) {
	files := c.options.AuthFiles
	if len(files) == 0 {
		return nil, fmt.Errorf("there is no place for credentials: set REGISTRY_AUTH_FILE or HOME")
	}
	named := os.Getenv(authFileVariable)
	var chosen *authFile
	for i, path := range files {
		file, err := readAuthFile(path)
		if err != nil {
			return nil, err
		}
		switch {
		case slices.ContainsFunc(keys, file.has):
			return file, nil
		case chosen == nil && (file.raw != nil || i == 0 && path == named):
			chosen = file
		}
	}
	if chosen == nil {
		return readAuthFile(files[0])
	}
	return chosen, nil
}
