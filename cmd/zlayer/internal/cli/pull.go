// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/zlayer/zlayer/host"
)

func newPull(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "pull REFERENCE…",
		Short: "Fetch images from their registry into the store",
		Long: `Pull asks the registry for images, fetches what the store lacks of them, and
prints the digest of each. A transfer that breaks off is taken up where it ended.
Credentials come from "zlayer login", docker or podman. Loopback registries are
reached over http.`,
		Example:           "  zlayer pull debian:bookworm-slim\n  zlayer pull --platform linux/arm64 registry.example/team/app:1 alpine",
		Args:              args(cobra.MinimumNArgs(1)),
		ValidArgsFunction: a.completeImages(),
		RunE:              a.pull,
	}
	c.Flags().String("platform", "", "platform to fetch, os/arch[/variant]; else Linux on this CPU")
	transferFlags(c, "pull")
	formatFlag(c)
	return c
}

func (a *app) pull(c *cobra.Command, references []string) error {
	asJSON, err := wantJSON(c)
	if err != nil {
		return err
	}
	show := a.shower(a.progressMode(c))
	defer show.Close()
	h, err := a.open()
	if err != nil {
		return err
	}
	platform, _ := c.Flags().GetString("platform")
	list := []host.Image{}
	for _, reference := range references {
		image, err := h.Pull(c.Context(), reference, platform, show.Event)
		if err != nil {
			return err
		}
		if list = append(list, *image); !asJSON {
			fmt.Fprintln(a.Stdout, image.Digest)
		}
	}
	if asJSON {
		return writeJSON(a.Stdout, list)
	}
	return nil
}

// transferFlags adds the flags about how a transfer is shown.
func transferFlags(c *cobra.Command, what string) {
	c.Flags().String("progress", "plain", "how the "+what+" is shown: plain, json or quiet")
	c.Flags().BoolP("quiet", "q", false, "show nothing but the result: --progress=quiet")
	choices(c, "progress", "plain", "json", "quiet")
}
