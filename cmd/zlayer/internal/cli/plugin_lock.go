// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/zlayer/zlayer/cmd/zlayer/internal/config"
	"github.com/zlayer/zlayer/host/plugins"
)

func newPluginLock(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "lock [ID…]",
		Short: "Pin installed plugins in the project's " + plugins.LockName,
		Long: `Lock pins the installed version of plugins, all of them without ID, in the
project's ` + plugins.LockName + `: the one in the working directory or the nearest above it. A
new one is written beside the project's ` + config.ProjectFile + `, else into the working directory.
Commit it: "zlayer plugin add --locked" then installs the same files elsewhere,
and with CI=true, or --locked, nothing else is used.`,
		Example: `  zlayer plugin lock
  zlayer plugin lock acme.example/oven
  zlayer plugin lock --remove acme.example/oven`,
		ValidArgsFunction: a.completeInstalled(),
		RunE:              a.pluginLock,
	}
	c.Flags().Bool("remove", false, "remove the pins of the given plugins")
	formatFlag(c)
	return c
}

func (a *app) pluginLock(c *cobra.Command, ids []string) error {
	asJSON, err := wantJSON(c)
	if err != nil {
		return err
	}
	done, path, err := a.editLock(c, ids)
	if err != nil {
		return err
	}
	if asJSON {
		return writeJSON(a.Stdout, done)
	}
	for _, l := range done {
		fmt.Fprintf(a.Stdout, "%s %s\n", l.Done, oneLine(l.ID+" "+l.Version))
		for _, d := range l.Differences {
			fmt.Fprintf(a.Stdout, "  ~ %s\n", oneLine(d))
		}
	}
	_, err = fmt.Fprintf(a.Stderr, "%s pins what is to be used here; commit it\n", path)
	return err
}

// editLock writes or removes pins. It returns the path of the lock file.
func (a *app) editLock(c *cobra.Command, ids []string) ([]plugins.Locking, string, error) {
	remove, _ := c.Flags().GetBool("remove")
	if remove && len(ids) == 0 {
		return nil, "", usagef("--remove needs the ids of plugins; see %s --help", c.CommandPath())
	}
	path, err := lockPath()
	if err != nil {
		return nil, "", err
	}
	m, err := a.manager()
	if err != nil {
		return nil, "", err
	}
	if remove {
		done, err := m.Unlock(path, ids...)
		return done, path, err
	}
	done, err := m.Lock(c.Context(), path, ids...)
	return done, path, err
}

// lockPath is the path of the project's lock file, whether it is there or not.
func lockPath() (string, error) {
	work, err := os.Getwd()
	if err != nil {
		return "", err
	}
	if path := plugins.FindLock(work); path != "" {
		return path, nil
	}
	beside := cmp.Or(config.FindProject(work), filepath.Join(work, config.ProjectFile))
	return filepath.Join(filepath.Dir(beside), plugins.LockName), nil
}
