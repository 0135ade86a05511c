// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/zlayer/zlayer/host/plugins"
)

func newPlugin(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "plugin",
		Short: "Install, check and write plugins",
		Long: `Plugins are frontends, which understand build files, and backends, which build
them. Some come with zlayer; these commands install others, from registries,
URLs, archives and folders, and pin them for a project in ` + plugins.LockName + `.`,
		Example: `  zlayer plugin add registry.example/acme/oven
  zlayer plugin list
  zlayer plugin lock`,
		Args: args(subcommand),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },

		SuggestionsMinimumDistance: 2,
	}
	c.AddCommand(
		newPluginAdd(a), newPluginList(a), newPluginInfo(a), newPluginVerify(a), newPluginUpdate(a), newPluginRollback(a),
		newPluginRemove(a), newPluginLock(a), newPluginDoctor(a), newPluginPublish(a), newPluginMirror(a),
		newPluginNew(a), newPluginSeal(), newPluginCompile(a),
	)
	return c
}

// listed returns all plugins.
func (a *app) listed() ([]plugins.Plugin, error) {
	m, err := a.manager()
	if err != nil {
		return nil, err
	}
	return m.List()
}

// completion completes arguments or the value of a flag.
type completion = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective)

// completeIDs completes ids of plugins that are not given yet: those that fit.
// Besides, the directive completes.
func (a *app) completeIDs(fits func(plugins.Plugin) bool, directive cobra.ShellCompDirective) completion {
	return func(c *cobra.Command, given []string, _ string) ([]string, cobra.ShellCompDirective) {
		if a.configure(c, nil) != nil {
			return nil, directive
		}
		list, err := a.listed()
		if err != nil {
			return nil, directive
		}
		var ids []string
		for _, p := range list {
			if fits(p) && !slices.Contains(given, p.ID) && !slices.Contains(ids, p.ID) {
				ids = append(ids, p.ID)
			}
		}
		return ids, directive
	}
}

// only completes one argument.
func only(complete completion) completion {
	return func(c *cobra.Command, given []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(given) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return complete(c, given, typed)
	}
}

// anyPlugin fits every plugin.
func anyPlugin(plugins.Plugin) bool { return true }

// completeInstalled completes ids of installed plugins.
func (a *app) completeInstalled() completion {
	installed := func(p plugins.Plugin) bool { return p.Origin == "installed" }
	return a.completeIDs(installed, cobra.ShellCompDirectiveNoFileComp)
}

// completeBackends completes ids of backends.
func (a *app) completeBackends(c *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	backend := func(p plugins.Plugin) bool { return p.Kind == "backend" && p.Problem == "" }
	return a.completeIDs(backend, cobra.ShellCompDirectiveNoFileComp)(c, nil, typed)
}
