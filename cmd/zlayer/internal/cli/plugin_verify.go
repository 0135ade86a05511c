// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/zlayer/zlayer/host/plugins"
)

func newPluginVerify(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "verify [ID…]",
		Short: "Compare every file of plugins with what it must be",
		Long: `Verify compares every file of plugins, all of them without ID, with its digest,
their manifests with what was installed, their signatures with the settings, and
all of it with the project's ` + plugins.LockName + `. No network is used.

It ends with 0 when all is well, with 5 when a plugin is broken, else with 11 when
one is refused, else with 13 when one is not what is pinned.`,
		Example:           "  zlayer plugin verify\n  zlayer plugin verify acme.example/oven --format json",
		ValidArgsFunction: a.completeIDs(anyPlugin, cobra.ShellCompDirectiveNoFileComp),
		RunE:              a.pluginVerify,
	}
	formatFlag(c)
	return c
}

func (a *app) pluginVerify(c *cobra.Command, ids []string) error {
	m, asJSON, err := a.managing(c)
	if err != nil {
		return err
	}
	list, err := m.Verify(c.Context(), ids...)
	if err != nil {
		return err
	}
	if asJSON {
		err = writeJSON(a.Stdout, list)
	} else {
		err = a.verifyTable(list)
	}
	if err != nil {
		return err
	}
	return worst(list)
}

func (a *app) verifyTable(list []plugins.Verification) error {
	w := tabwriter.NewWriter(a.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tVERSION\tORIGIN\tDIGEST\tSTATE")
	for _, v := range list {
		row(w, v.ID, v.Version, v.Origin, shortDigest(v.Digest), state(v.Fault, v.Problem))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, v := range list {
		if v.Help != "" {
			fmt.Fprintf(a.Stderr, "zlayer: hint: %s: %s\n", oneLine(v.ID), oneLine(v.Help))
		}
	}
	return nil
}

// worst ends a command with the code of the worst that was found.
func worst(list []plugins.Verification) error {
	code := 0
	for _, v := range list {
		if c := faultCode(v.Fault); v.Problem != "" && (code == 0 || c < code) {
			code = c
		}
	}
	if code == 0 {
		return nil
	}
	return reported(code)
}
