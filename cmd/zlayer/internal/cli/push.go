// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/zlayer/zlayer/host"
)

func newPush(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "push IMAGE [REFERENCE…]",
		Short: "Push an image of the store to registries",
		Long: `Push copies an image of the store to the registry in its name, or to every
REFERENCE, and prints the digest for each. A manifest list goes with all its
images. A layer that the registry has is not sent again, and a transfer that
fails is tried again. Credentials come from "zlayer login", docker or podman.
Loopback registries are reached over http.`,
		Example:           "  zlayer push registry.example/team/app:1\n  zlayer push app:1 localhost:5000/app:1 localhost:5000/app:latest",
		Args:              args(cobra.MinimumNArgs(1)),
		ValidArgsFunction: a.completeImages(),
		RunE: func(c *cobra.Command, given []string) error {
			return a.push(c, given, func(h *host.Host, reference string, events func(host.Event)) (string, error) {
				return h.Push(c.Context(), given[0], reference, events)
			})
		},
	}
	transferFlags(c, "push")
	return c
}

// push pushes an image to the references that follow it, or else to its own
// name, and prints what each is there.
func (a *app) push(c *cobra.Command, given []string, push func(*host.Host, string, func(host.Event)) (string, error)) error {
	show := a.shower(a.progressMode(c))
	defer show.Close()
	h, err := a.open()
	if err != nil {
		return err
	}
	references := given[1:]
	if len(references) == 0 {
		references = given
	}
	for _, reference := range references {
		digest, err := push(h, reference, show.Event)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(a.Stdout, digest); err != nil {
			return err
		}
	}
	return nil
}
