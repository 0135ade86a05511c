// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"github.com/spf13/cobra"
)

func newTag(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "tag IMAGE REFERENCE…",
		Short:   "Give an image of the store more names",
		Long:    "Tag gives an image of the store, named by reference or digest, more names. A\nname that was another image's moves.",
		Example: "  zlayer tag app:1 registry.example/team/app:1",
		Args:    args(cobra.MinimumNArgs(2)),
		RunE: func(c *cobra.Command, given []string) error {
			h, err := a.open()
			if err != nil {
				return err
			}
			return h.Tag(c.Context(), given[0], given[1:]...)
		},
		ValidArgsFunction: only(a.completeImages()),
	}
}
