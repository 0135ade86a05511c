// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/zlayer/zlayer/host/plugins"
)

func newPluginPublish(a *app) *cobra.Command {
	var o plugins.PublishOptions
	c := &cobra.Command{
		Use:   "publish FOLDER… DESTINATION",
		Short: "Publish a plugin to a registry, an archive or a mirror",
		Long: `Publish puts a plugin where others can add it from: a repository of a registry,
FILE.tar, or ./FOLDER, which is a mirror. In a registry the version becomes the
tag, unless DESTINATION has one. A version that is there already with another
content is refused. The FOLDERs are those of one plugin, each sealed
for another platform by "zlayer plugin seal --platform".

With --key it is signed, as cosign would; for an archive, the signature is
FILE.tar.sigstore.json beside it. The password of the key is that in
` + passwordVariable + `, else it is asked at the terminal. Credentials of registries come
from the docker and podman auth files.`,
		Example: `  zlayer plugin publish ./dist/oven registry.example/acme/oven --key release.pem
  zlayer plugin publish ./dist/amd64 ./dist/arm64 registry.example/acme/oven
  zlayer plugin publish ./dist/oven ./oven-1.2.0.tar`,
		Args: args(cobra.MinimumNArgs(2)),
		RunE: func(c *cobra.Command, given []string) error {
			o.Password = func() ([]byte, error) { return a.password(c.Context()) }
			return a.pluginPublish(c, given[:len(given)-1], given[len(given)-1], o)
		},
	}
	c.Flags().StringVar(&o.Key, "key", "", "file with a private key in PEM, to sign with")
	c.Flags().BoolVar(&o.Replace, "replace", false, "give a version that is published already another content")
	formatFlag(c)
	return c
}

func (a *app) pluginPublish(c *cobra.Command, folders []string, destination string, o plugins.PublishOptions) error {
	m, asJSON, err := a.managing(c)
	if err != nil {
		return err
	}
	published, err := m.Publish(c.Context(), folders, destination, o)
	if err != nil {
		return err
	}
	if asJSON {
		return writeJSON(a.Stdout, published)
	}
	how := "unsigned"
	if published.Signed {
		how = "signed"
	}
	fmt.Fprintf(a.Stderr, "published %s %s, %s, for %s\n", published.ID, published.Version, how, everywhere(published.Platforms))
	_, err = fmt.Fprintln(a.Stdout, published.Reference)
	return err
}
