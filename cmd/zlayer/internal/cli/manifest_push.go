// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"github.com/spf13/cobra"

	"github.com/zlayer/zlayer/host"
)

func newManifestPush(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "push LIST [REFERENCE…]",
		Short: "Push a manifest list of the store to registries",
		Long: `Push copies a manifest list of the store with all its images to the registry in
its name, or to every REFERENCE, and prints the digest for each. With --all=false
only the list is sent; the repository must have the images already.`,
		Example:           "  zlayer manifest push registry.example/team/app:1\n  zlayer manifest push --all=false app:1 registry.example/team/app:1",
		Args:              args(cobra.MinimumNArgs(1)),
		ValidArgsFunction: a.completeImages(),
		RunE: func(c *cobra.Command, given []string) error {
			all, _ := c.Flags().GetBool("all")
			return a.push(c, given, func(h *host.Host, reference string, events func(host.Event)) (string, error) {
				if all {
					return h.Push(c.Context(), given[0], reference, events)
				}
				return h.PushList(c.Context(), given[0], reference)
			})
		},
	}
	c.Flags().Bool("all", true, "send the images too")
	transferFlags(c, "push")
	return c
}
