// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

func newLoad(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "load [PATH]",
		Short: "Read images from an archive or folder into the store",
		Long: `Load reads every image of a Docker archive, an OCI archive or an OCI layout folder
into the store, under the names it has there, and prints the names; of an image
without one the digest. Archives may be compressed. Without PATH, or with "-",
the archive is read from stdin. Either all of it is loaded or nothing.`,
		Example: "  zlayer load app.tar\n  docker save app:1 | zlayer load",
		Args:    args(cobra.MaximumNArgs(1)),
		RunE:    a.load,
	}
	transferFlags(c, "load")
	formatFlag(c)
	return c
}

func (a *app) load(c *cobra.Command, given []string) error {
	asJSON, err := wantJSON(c)
	if err != nil {
		return err
	}
	path := ""
	if len(given) > 0 && given[0] != "-" {
		path = given[0]
	}
	if in, ok := a.Stdin.(*os.File); path == "" && (a.Stdin == nil || ok && term.IsTerminal(int(in.Fd()))) {
		return usagef("name an archive, or pipe one to stdin; see %s --help", c.CommandPath())
	}
	show := a.shower(a.progressMode(c))
	defer show.Close()
	h, err := a.open()
	if err != nil {
		return err
	}
	list, err := h.Load(c.Context(), path, a.Stdin, show.Event)
	if err != nil {
		return err
	}
	if asJSON {
		return writeJSON(a.Stdout, list)
	}
	for _, i := range list {
		fmt.Fprintln(a.Stdout, nameOf(i))
	}
	return nil
}
