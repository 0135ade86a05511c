// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newPluginRemove(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "remove ID…",
		Short: "Remove plugins",
		Long: `Remove removes installed plugins, with every version of them and what was compiled
of them; none when one of them is not installed. A build that uses one goes on to
its end.`,
		Example:           "  zlayer plugin remove acme.example/oven",
		Args:              args(cobra.MinimumNArgs(1)),
		ValidArgsFunction: a.completeInstalled(),
		RunE:              a.pluginRemove,
	}
	formatFlag(c)
	return c
}

func (a *app) pluginRemove(c *cobra.Command, ids []string) error {
	m, asJSON, err := a.managing(c)
	if err != nil {
		return err
	}
	removed, err := m.Remove(c.Context(), ids...)
	if err != nil {
		return err
	}
	if asJSON {
		return writeJSON(a.Stdout, removed)
	}
	for _, r := range removed {
		fmt.Fprintf(a.Stdout, "removed %s\n", oneLine(r.ID+" "+r.Version))
		for _, note := range r.Notes {
			fmt.Fprintf(a.Stderr, "zlayer: note: %s\n", oneLine(note))
		}
	}
	return nil
}
