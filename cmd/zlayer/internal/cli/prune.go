// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/zlayer/zlayer/host"
)

func newPrune(a *app) *cobra.Command {
	var o host.PruneOptions
	c := &cobra.Command{
		Use:   "prune",
		Short: "Free the room of what nothing needs any more",
		Long: `Prune removes images without a name, what interrupted pulls and builds left,
builds that are remembered without a result, and what backends keep for no build.
Later builds are right without it, but may have to do more. With --until,
what came within that time stays. It asks nothing; --dry-run says what would go.
While another zlayer builds, pulls or pushes, it is refused.`,
		Example: "  zlayer prune --dry-run\n  zlayer prune --until 24h\n  zlayer prune --all",
		Args:    args(cobra.NoArgs),
		RunE:    func(c *cobra.Command, _ []string) error { return a.prune(c, o) },
	}
	c.Flags().BoolVarP(&o.All, "all", "a", false, "remove images that have a name too")
	c.Flags().BoolVar(&o.DryRun, "dry-run", false, "remove nothing, and say what would be removed")
	c.Flags().DurationVar(&o.Until, "until", 0, "keep what is younger, such as 24h or 30m")
	formatFlag(c)
	return c
}

func (a *app) prune(c *cobra.Command, o host.PruneOptions) error {
	asJSON, err := wantJSON(c)
	if err != nil {
		return err
	}
	if o.Until < 0 {
		return usagef("--until: %s is in the future; see %s --help", o.Until, c.CommandPath())
	}
	h, err := a.open()
	if err != nil {
		return err
	}
	done, err := h.Prune(c.Context(), o)
	if err != nil {
		return err
	}
	for _, text := range done.Skipped {
		fmt.Fprintf(a.Stderr, "zlayer: note: what a backend keeps stays: %s\n", oneLine(text))
	}
	if asJSON {
		return writeJSON(a.Stdout, done)
	}
	untagged, removed, freed := "untagged", "removed", "freed"
	if o.DryRun {
		untagged, removed, freed = "would untag", "would remove", "would free"
	}
	removedText(a.Stdout, done.Removed, untagged, removed)
	fmt.Fprintf(a.Stdout, "%s %s: images %d, remembered builds %d, results of backends %d\n", freed, size(done.Bytes), len(done.Images), done.Builds, done.Artifacts)
	return nil
}
