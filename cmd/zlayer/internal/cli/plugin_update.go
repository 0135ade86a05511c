// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/zlayer/zlayer/host/plugins"
)

func newPluginUpdate(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "update [ID…]",
		Short: "Install newer versions of plugins",
		Long: `Update looks for newer versions of installed plugins, all of them without ID, each
where it came from. All differences to the installed version are shown, "+" for
what is new, "-" for what is gone, "~" for what changed. A version that may touch
more must be accepted: at a terminal it is asked, else --yes is needed.

A project goes on using what its ` + plugins.LockName + ` pins.`,
		Example:           "  zlayer plugin update --dry-run\n  zlayer plugin update acme.example/oven --yes",
		ValidArgsFunction: a.completeInstalled(),
		RunE: func(c *cobra.Command, ids []string) error {
			return a.changing(c, func(ctx context.Context, m *plugins.Manager) (*plugins.Plan, error) { return m.PlanUpdate(ctx, ids...) })
		},
	}
	changeFlags(c)
	yesFlag(c)
	return c
}
