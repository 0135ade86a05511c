// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/zlayer/zlayer/host/plugins"
)

func newPluginMirror(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "mirror DESTINATION [SOURCE…]",
		Short: "Copy plugins into a folder or archive, to add them without a network",
		Long: `Mirror copies plugins, with the files of every platform and their signatures, into
./FOLDER or FILE.tar: those of each SOURCE, else those that the project's
` + plugins.LockName + ` pins, else all that are installed. What is there already stays.
"zlayer plugin add --from" adds from it.`,
		Example: `  zlayer plugin mirror ./mirror.tar
  zlayer plugin mirror ./mirror registry.example/acme/oven:1.2.0
  zlayer plugin add --from ./mirror.tar --locked`,
		Args: args(cobra.MinimumNArgs(1)),
		RunE: a.pluginMirror,
	}
	formatFlag(c)
	return c
}

func (a *app) pluginMirror(c *cobra.Command, given []string) error {
	m, asJSON, err := a.managing(c)
	if err != nil {
		return err
	}
	list, err := m.Mirror(c.Context(), given[0], given[1:]...)
	if err != nil {
		return err
	}
	if asJSON {
		return writeJSON(a.Stdout, list)
	}
	w := tabwriter.NewWriter(a.Stdout, 0, 0, 2, ' ', 0)
	row(w, "ID", "VERSION", "DIGEST", "PLATFORMS", "FROM")
	for _, p := range list {
		row(w, p.ID, p.Version, shortDigest(p.Digest), everywhere(p.Platforms), p.From)
	}
	return w.Flush()
}

// everywhere lists platforms; none is all of them.
func everywhere(platforms []string) string {
	return cmp.Or(strings.Join(platforms, ","), "any platform")
}
