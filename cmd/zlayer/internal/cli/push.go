// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newPush(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "push IMAGE [REFERENCE]",
		Short: "Push an image of the store to a registry",
		Long: `Push copies an image of the store to the registry in its name, or to REFERENCE,
and prints the digest. Credentials come from the docker and podman auth files.
Loopback registries are reached over http.`,
		Example:           "  zlayer push registry.example/team/app:1\n  zlayer push app:1 localhost:5000/app:1",
		Args:              args(cobra.RangeArgs(1, 2)),
		ValidArgsFunction: a.completeImages,
		RunE: func(c *cobra.Command, given []string) error {
			show := a.shower(a.progressMode(c))
			defer show.Close()
			h, err := a.open()
			if err != nil {
				return err
			}
			digest, err := h.Push(c.Context(), given[0], given[len(given)-1], show.Event)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(a.Stdout, digest)
			return err
		},
	}
	c.Flags().String("progress", "plain", "how the push is shown: plain, json or quiet")
	c.Flags().BoolP("quiet", "q", false, "show nothing but the digest: --progress=quiet")
	choices(c, "progress", "plain", "json", "quiet")
	return c
}
