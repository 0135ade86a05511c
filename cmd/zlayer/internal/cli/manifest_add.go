// SPDX-License-Identifier: Apache-2.0

package cli

import "github.com/spf13/cobra"

func newManifestAdd(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "add LIST IMAGE…",
		Short: "Add images to a manifest list of the store",
		Long: `Add adds images of the store to a manifest list and prints the list's new digest.
An image takes the place of the list's image for the same platform.`,
		Example:           "  zlayer manifest add app:1 app:1-riscv64",
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
			list, err := h.AddToList(c.Context(), given[0], given[1:]...)
			if err != nil {
				return err
			}
			return a.printList(c, list)
		},
	}
	formatFlag(c)
	return c
}
