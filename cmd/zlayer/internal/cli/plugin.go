// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/zlayer/zlayer/host"
)

func newPlugin(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:     "plugin",
		Short:   "Work with plugins",
		Example: "  zlayer plugin list",
		Args:    args(subcommand),
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },

		SuggestionsMinimumDistance: 2,
	}
	c.AddCommand(newPluginList(a), newPluginNew(a), newPluginCompile(a), newPluginSeal())
	return c
}

func newPluginList(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "list",
		Short: "List the plugins, and the broken ones with the reason",
		Long: `List shows every plugin that zlayer finds: in the bundle beside the binary, in
the state folder and in each --plugin-dir. A plugin that cannot be used is
listed with the reason.`,
		Example: "  zlayer plugin list\n  zlayer plugin list --format json",
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
			list := h.Plugins()
			if asJSON {
				return writeJSON(a.Stdout, list)
			}
			return a.pluginTable(list)
		},
	}
	formatFlag(c)
	return c
}

func (a *app) pluginTable(list []host.Plugin) error {
	w := tabwriter.NewWriter(a.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tVERSION\tKIND\tPROTOCOL\tPATH\tSTATE")
	for _, p := range list {
		state := "ok"
		if p.Problem != "" {
			state = "broken: " + p.Problem
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", p.ID, p.Version, p.Kind, p.Protocol, p.Path, state)
	}
	return w.Flush()
}

func newPluginCompile(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "compile",
		Short:   "Fill the compile cache of all frontends",
		Long:    "Compile translates the wasm modules of all frontends to machine code, so that\nthe next check starts at once. It is never needed, only faster.",
		Example: "  zlayer plugin compile",
		Args:    args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			h, err := a.open()
			if err != nil {
				return err
			}
			return h.Compile(c.Context())
		},
	}
}

func newPluginSeal() *cobra.Command {
	var platform string
	c := &cobra.Command{
		Use:   "seal FOLDER…",
		Short: "Write the digests of a plugin's files into its manifest",
		Long: `Seal completes zlayer-plugin.json in the folder of a plugin being built: it
writes the digest of every file it lists, and for files without a platform of
a backend the one it was built for. Authors run it after each build.`,
		Example: "  zlayer plugin seal ./my-backend\n  zlayer plugin seal --platform linux/arm64 ./my-backend-arm64",
		Args:    args(cobra.MinimumNArgs(1)),
		RunE: func(_ *cobra.Command, folders []string) error {
			for _, folder := range folders {
				if err := host.Seal(folder, platform); err != nil {
					return err
				}
			}
			return nil
		},
	}
	c.Flags().StringVar(&platform, "platform", "", "platform that the plugin was built for, os/arch; else this machine's")
	return c
}

// completeBackends completes ids of backends.
func (a *app) completeBackends(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	const directive = cobra.ShellCompDirectiveNoFileComp
	if a.configure(c, nil) != nil {
		return nil, directive
	}
	h, err := a.open()
	if err != nil {
		return nil, directive
	}
	var ids []string
	for _, p := range h.Plugins() {
		if p.Kind == "backend" && p.Problem == "" {
			ids = append(ids, p.ID)
		}
	}
	return ids, directive
}
