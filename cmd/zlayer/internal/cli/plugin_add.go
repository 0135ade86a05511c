// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/zlayer/zlayer/host/plugins"
)

func newPluginAdd(a *app) *cobra.Command {
	var o plugins.AddOptions
	c := &cobra.Command{
		Use:   "add [SOURCE…]",
		Short: "Install plugins",
		Long: `Add installs plugins. A SOURCE is one of

  [oci://]REGISTRY/REPOSITORY[:TAG][@DIGEST]   the newest version without TAG
  https://HOST/PATH.tar[.gz]                   an archive
  ./PATH.tar[.gz]                              an archive on this machine
  ./FOLDER                                     a plugin or a mirror on this machine

With --from, plugins come from a source with several, such as a mirror, and what
is added are ids, each perhaps with @VERSION; none means all. With --locked and
no SOURCE, it is what ` + plugins.LockName + ` pins, from where it says or from --from.

Before anything is installed, all that a plugin is and may touch is shown. What
may touch more than was accepted before must be accepted: at a terminal it is
asked, else --yes is needed. Nothing of a plugin runs when it is installed. A
plain folder is for who writes a plugin: it is copied and marked "development".`,
		Example: `  zlayer plugin add registry.example/acme/oven:1.2.0
  zlayer plugin add https://acme.example/oven-1.2.0.tar.gz --yes
  zlayer plugin add --from ./mirror.tar acme.example/oven@1.2.0
  zlayer plugin add --locked
  zlayer plugin add ./dist/oven --dry-run`,
		RunE: func(c *cobra.Command, sources []string) error {
			return a.changing(c, func(ctx context.Context, m *plugins.Manager) (*plugins.Plan, error) {
				return a.planAdd(ctx, c, m, sources, o)
			})
		},
	}
	f := c.Flags()
	f.StringVar(&o.From, "from", "", "a source with several plugins, of which to add those with the given ids")
	f.BoolVar(&o.Replace, "replace", false, "take the place of a plugin with the same id from elsewhere")
	f.BoolVar(&o.Collide, "collide", false, "add a frontend that claims what another one claims")
	changeFlags(c)
	yesFlag(c)
	return c
}

// planAdd says what add does.
func (a *app) planAdd(ctx context.Context, c *cobra.Command, m *plugins.Manager, sources []string, o plugins.AddOptions) (*plugins.Plan, error) {
	locked := a.config.String("locked") == "always"
	switch {
	case locked && len(sources) == 0:
		return m.PlanLocked(ctx, o.From)
	case locked && c.Flags().Changed("locked"):
		return nil, usagef("give sources, or --locked, not both; see %s --help", c.CommandPath())
	case o.From == "" && len(sources) == 0:
		return nil, usagef("name a source, or give --locked for what %s pins; see %s --help", plugins.LockName, c.CommandPath())
	}
	return m.PlanAdd(ctx, sources, o)
}
