// SPDX-License-Identifier: Apache-2.0

package cli

import "github.com/spf13/cobra"

func newManifestCreate(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "create NAME IMAGE…",
		Short: "Make a manifest list of images of the store",
		Long: `Create makes a manifest list of images of the store, named by reference or digest,
and prints its digest. A name that stands for several platforms adds the images
of all of them. No two images may be for the same platform.`,
		Example:           "  zlayer manifest create app:1 app:1-amd64 app:1-arm64",
		Args:              args(cobra.MinimumNArgs(2)),
		ValidArgsFunction: a.completeImages(),
		RunE: func(c *cobra.Command, given []string) error {
			if _, err := wantJSON(c); err != nil {
				return err
			}
			h, err := a.open()
			if err != nil {
				return err
			}
			list, err := h.CreateList(c.Context(), given[0], given[1:]...)
			if err != nil {
				return err
			}
			return a.printList(c, list)
		},
	}
	formatFlag(c)
	return c
}
