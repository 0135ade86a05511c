// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/zlayer/zlayer/host"
)

func newImages(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:     "images",
		Short:   "List the images and manifest lists of the store",
		Example: "  zlayer images\n  zlayer images --format json",
		Args:    args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			asJSON, err := wantJSON(c)
			if err != nil {
				return err
			}
			h, err := a.open()
			if err != nil {
				return err
			}
			list, err := h.Images(c.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(a.Stdout, list)
			}
			return a.imageTable(list)
		},
	}
	formatFlag(c)
	return c
}

func (a *app) imageTable(list []host.Image) error {
	w := tabwriter.NewWriter(a.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "REFERENCE\tDIGEST\tPLATFORM\tCREATED\tSIZE")
	for _, i := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", i.Reference, shortDigest(i.Digest), platformOf(i), i.Created.UTC().Format(time.DateTime), size(i.Size))
	}
	return w.Flush()
}

// platformOf returns the platform of an image, or those of a manifest list.
func platformOf(i host.Image) string {
	if i.Images == nil {
		return oneLine(i.Platform)
	}
	var all []string
	for _, member := range i.Images {
		all = append(all, oneLine(member.Platform))
	}
	return strings.Join(all, ",")
}

// shortDigest returns the first twelve hex digits of a digest.
func shortDigest(digest string) string {
	_, hex, _ := strings.Cut(digest, ":")
	return hex[:min(12, len(hex))]
}

// size returns bytes for people, in powers of 1000.
func size(n int64) string {
	units := []string{"B", "kB", "MB", "GB", "TB"}
	f, i := float64(n), 0
	for f >= 1000 && i < len(units)-1 {
		f, i = f/1000, i+1
	}
	if i == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", f, units[i])
}

// nameOf is how people know an image: its name, else its digest.
func nameOf(i host.Image) string { return cmp.Or(i.Reference, i.Digest) }

// completeImages completes references of the store.
func (a *app) completeImages() completion {
	return func(c *cobra.Command, given []string, _ string) ([]string, cobra.ShellCompDirective) {
		const directive = cobra.ShellCompDirectiveNoFileComp
		if a.configure(c, nil) != nil {
			return nil, directive
		}
		h, err := a.open()
		if err != nil {
			return nil, directive
		}
		list, err := h.Images(c.Context())
		if err != nil {
			return nil, directive
		}
		var names []string
		for _, i := range list {
			if i.Reference != "" && !slices.Contains(given, i.Reference) && !slices.Contains(names, i.Reference) {
				names = append(names, i.Reference)
			}
		}
		return names, directive
	}
}
