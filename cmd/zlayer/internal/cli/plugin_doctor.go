// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/zlayer/zlayer/host/plugins"
)

func newPluginDoctor(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Look for all that is wrong with plugins, and say what to do",
		Long: `Doctor looks at the state folder, every plugin, the settings about signatures,
the project's ` + plugins.LockName + ` and what this system can confine, and says what is wrong, the
worst first, with what to do about it. It changes nothing, runs nothing and needs
no network.

It ends with 5 when it finds an error; warnings and notes are none.`,
		Example: "  zlayer plugin doctor\n  zlayer plugin doctor --format json",
		Args:    args(cobra.NoArgs),
		RunE:    a.pluginDoctor,
	}
	formatFlag(c)
	return c
}

func (a *app) pluginDoctor(c *cobra.Command, _ []string) error {
	m, asJSON, err := a.managing(c)
	if err != nil {
		return err
	}
	found, err := m.Doctor(c.Context())
	if err != nil {
		return err
	}
	if asJSON {
		err = writeJSON(a.Stdout, found)
	} else {
		err = a.findings(found)
	}
	bad := func(f plugins.Finding) bool { return f.Severity == plugins.Bad }
	if err == nil && slices.ContainsFunc(found, bad) {
		return reported(exitPlugin)
	}
	return err
}

// findings shows what the doctor found.
func (a *app) findings(list []plugins.Finding) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(a.Stdout, "all is well")
		return err
	}
	for _, f := range list {
		about := ""
		if f.Plugin != "" {
			about = "plugin " + f.Plugin + ": "
		}
		if _, err := fmt.Fprintf(a.Stdout, "%s: %s\n", f.Severity, oneLine(about+f.Message)); err != nil {
			return err
		}
		if f.Help != "" {
			fmt.Fprintf(a.Stdout, "  help: %s\n", oneLine(f.Help))
		}
	}
	return nil
}
