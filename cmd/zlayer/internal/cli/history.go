// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/zlayer/zlayer/host"
)

func newHistory(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "history IMAGE",
		Short: "Show how an image of the store was made",
		Long: `History shows the steps that made an image, the latest first: when, how large the
layer is, and what made it. Sizes are those of the layers as they are stored.`,
		Example:           "  zlayer history app:1\n  zlayer history --no-trunc --format json app:1",
		Args:              args(cobra.ExactArgs(1)),
		ValidArgsFunction: only(a.completeImages()),
		RunE:              a.history,
	}
	c.Flags().String("platform", "", "the image for a platform, os/arch[/variant], where the name stands for several")
	c.Flags().Bool("no-trunc", false, "show what made a layer in full")
	formatFlag(c)
	return c
}

func (a *app) history(c *cobra.Command, given []string) error {
	asJSON, err := wantJSON(c)
	if err != nil {
		return err
	}
	list, err := a.details(c, given)
	if err != nil {
		return err
	}
	steps := append([]host.ImageStep{}, list[0].History...)
	if list[0].Images != nil {
		return usagef("%s is a manifest list: choose one of its images with --platform", given[0])
	}
	slices.Reverse(steps)
	if asJSON {
		return writeJSON(a.Stdout, steps)
	}
	full, _ := c.Flags().GetBool("no-trunc")
	return a.historyTable(steps, full)
}

// madeWidth is the most runes of what made a layer that are shown.
const madeWidth = 60

func (a *app) historyTable(steps []host.ImageStep, full bool) error {
	w := tabwriter.NewWriter(a.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "CREATED\tSIZE\tCREATED BY")
	for _, s := range steps {
		made := []rune(oneLine(s.CreatedBy))
		if s.CreatedBy == "" {
			made = []rune(oneLine(s.Comment))
		}
		if len(made) > madeWidth && !full {
			made = append(made[:madeWidth], '…')
		}
		created := ""
		if !s.Created.IsZero() {
			created = s.Created.UTC().Format(time.DateTime)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", created, size(s.Size), string(made))
	}
	return w.Flush()
}
