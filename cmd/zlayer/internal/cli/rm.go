// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/zlayer/zlayer/host"
)

func newRm(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "rm IMAGE…",
		Short: "Remove names and images from the store",
		Long: `Rm takes names away. An image, or a manifest list, goes with its last name; one
named by digest goes with all its names, which must be one or wanted with
--force. An image that is part of a manifest list stays until the list goes. All
is removed or, when one name is not there, nothing.`,
		Example:           "  zlayer rm app:1 app:2\n  zlayer rm --force 02b8416e6de1",
		Args:              args(cobra.MinimumNArgs(1)),
		ValidArgsFunction: a.completeImages(),
		RunE:              a.rm,
	}
	c.Flags().BoolP("force", "f", false, "remove an image named by digest even when it has several names")
	formatFlag(c)
	return c
}

func (a *app) rm(c *cobra.Command, given []string) error {
	asJSON, err := wantJSON(c)
	if err != nil {
		return err
	}
	h, err := a.open()
	if err != nil {
		return err
	}
	force, _ := c.Flags().GetBool("force")
	removed, err := h.RemoveImages(c.Context(), given, force)
	if err != nil {
		return err
	}
	if asJSON {
		return writeJSON(a.Stdout, removed)
	}
	removedText(a.Stdout, *removed, "untagged", "removed")
	if removed.Kept {
		fmt.Fprintln(a.Stderr, "zlayer: note: the image store is in use, so the room is only free after zlayer prune")
	}
	return nil
}

// removedText writes what was removed, a line each.
func removedText(w io.Writer, r host.Removed, untagged, removed string) {
	for _, name := range r.Untagged {
		fmt.Fprintf(w, "%s %s\n", untagged, name)
	}
	for _, digest := range r.Images {
		fmt.Fprintf(w, "%s %s\n", removed, digest)
	}
}
