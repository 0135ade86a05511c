// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/zlayer/zlayer/cmd/zlayer/internal/progress"
	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/host/grant"
	"github.com/zlayer/zlayer/host/plugins"
)

func newPluginList(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "list",
		Short: "List the plugins, and those that cannot be used with the reason",
		Long: `List shows every plugin that zlayer finds: in the bundle beside the binary, in
the state folder and in each --plugin-dir. One that cannot be used is listed
with the reason. COMPILED says whether the first check is fast, PERMISSIONS what
holds a backend to what it may touch, and SIGNED whether somebody who is trusted
has signed it; "development" is what was installed from a folder.`,
		Example: "  zlayer plugin list\n  zlayer plugin list --format json",
		Args:    args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			asJSON, err := wantJSON(c)
			if err != nil {
				return err
			}
			list, err := a.listed()
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(a.Stdout, list)
			}
			return a.pluginTable(list)
		},
	}
	formatFlag(c)
	return c
}

func (a *app) pluginTable(list []plugins.Plugin) error {
	w := tabwriter.NewWriter(a.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tVERSION\tKIND\tPROTOCOL\tSOURCE\tDIGEST\tCOMPILED\tPERMISSIONS\tSIGNED\tSTATE")
	for _, p := range list {
		row(w, p.ID, p.Version, p.Kind, p.Protocol, whence(p), shortDigest(p.Digest), compiled(p), held(p.Grants), signed(p), state(p.Fault, p.Problem))
	}
	return w.Flush()
}

// row writes cells of a table. What a plugin says of itself may hold anything.
func row(w *tabwriter.Writer, cells ...string) {
	for i, cell := range cells {
		end := "\t"
		if i == len(cells)-1 {
			end = "\n"
		}
		fmt.Fprint(w, oneLine(cmp.Or(cell, "-")), end)
	}
}

// oneLine is a text without what would break a line or a table.
func oneLine(text string) string { return strings.Join(strings.Fields(progress.Visible(text)), " ") }

// whence is where a plugin came from.
func whence(p plugins.Plugin) string {
	switch {
	case p.Source != "":
		return p.Source
	case p.Origin == "bundle":
		return p.Origin
	}
	return p.Path
}

// compiled says in a word whether a frontend is in the compile cache.
func compiled(p plugins.Plugin) string {
	switch {
	case p.Compiled == nil:
		return ""
	case *p.Compiled:
		return "yes"
	}
	return "no"
}

// held says in a word what holds a plugin to what it may touch.
func held(grants []grant.Grant) string {
	for _, g := range grants {
		switch {
		case g.Kind == grant.Nothing:
			return "none"
		case g.Kind == grant.Confinement && g.Name == grant.Confined:
			return "confined"
		case g.Kind == grant.Confinement:
			return "unconfined"
		}
	}
	return ""
}

// signed says in a word who answers for a plugin.
func signed(p plugins.Plugin) string {
	switch {
	case p.Development:
		return "development"
	case p.Signed:
		return "yes"
	case p.Signature == plugins.Unchecked:
		return "unchecked"
	case p.Signature != "":
		return "no"
	}
	return ""
}

// state says whether a plugin can be used, and else why not.
func state(f host.Fault, problem string) string {
	switch {
	case problem == "":
		return "ok"
	case f == host.Broken:
		return "broken: " + problem
	}
	return string(f) + ": " + problem
}
