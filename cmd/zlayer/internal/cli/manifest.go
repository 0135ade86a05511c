// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/zlayer/zlayer/host"
)

func newManifest(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "manifest",
		Short: "Work with manifest lists: one name for the images of several platforms",
		Long: `A manifest list is one name for the images of several platforms. It is in the
image store like an image: "images" lists it, FROM takes the image that fits, and
tag, push, save, inspect and rm work on it.`,
		Example: `  zlayer manifest create app:1 app:1-amd64 app:1-arm64
  zlayer manifest push app:1 registry.example/team/app:1`,
		Args: args(subcommand),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newManifestCreate(a), newManifestAdd(a), newManifestInspect(a), newManifestPush(a))
	return c
}

// printList prints a manifest list that was made: its digest, or all of it.
func (a *app) printList(c *cobra.Command, list *host.Image) error {
	asJSON, err := wantJSON(c)
	if err != nil {
		return err
	}
	if asJSON {
		return writeJSON(a.Stdout, list)
	}
	_, err = fmt.Fprintln(a.Stdout, list.Digest)
	return err
}
