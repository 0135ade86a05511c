// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/zlayer/zlayer/host"
)

func newManifestInspect(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:               "inspect LIST",
		Short:             "Show the images of a manifest list of the store",
		Example:           "  zlayer manifest inspect app:1\n  zlayer manifest inspect app:1 --format json",
		Args:              args(cobra.ExactArgs(1)),
		ValidArgsFunction: only(a.completeImages()),
		RunE: func(c *cobra.Command, given []string) error {
			asJSON, err := wantJSON(c)
			if err != nil {
				return err
			}
			list, err := a.details(c, given)
			if err != nil {
				return err
			}
			if list[0].Images == nil {
				return &host.ImageError{Reference: given[0], Message: "this is an image, not a manifest list", Help: "zlayer inspect shows it"}
			}
			if asJSON {
				return writeJSON(a.Stdout, list[0])
			}
			return a.listTable(list[0].Images)
		},
	}
	formatFlag(c)
	return c
}

// listTable writes the images of a manifest list.
func (a *app) listTable(images []host.Image) error {
	w := tabwriter.NewWriter(a.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PLATFORM\tDIGEST\tSIZE")
	for _, i := range images {
		fmt.Fprintf(w, "%s\t%s\t%s\n", oneLine(i.Platform), i.Digest, size(i.Size))
	}
	return w.Flush()
}
