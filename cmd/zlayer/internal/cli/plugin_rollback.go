// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/zlayer/zlayer/host/plugins"
)

func newPluginRollback(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "rollback ID",
		Short: "Go back to the version of a plugin before",
		Long: `Rollback goes back to the version of a plugin that was there before the last
update. The version that is left is kept, so that a second rollback undoes the
first. Nothing is fetched, and nothing is asked: that version was accepted.`,
		Example:           "  zlayer plugin rollback acme.example/oven",
		Args:              args(cobra.ExactArgs(1)),
		ValidArgsFunction: only(a.completeInstalled()),
		RunE: func(c *cobra.Command, given []string) error {
			return a.changing(c, func(ctx context.Context, m *plugins.Manager) (*plugins.Plan, error) {
				return m.PlanRollback(ctx, given[0])
			})
		},
	}
	changeFlags(c)
	return c
}
