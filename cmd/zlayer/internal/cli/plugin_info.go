// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/zlayer/zlayer/host/grant"
	"github.com/zlayer/zlayer/host/plugins"
)

func newPluginInfo(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "info ID|SOURCE",
		Short: "Show all about a plugin that is installed or that a source has",
		Long: `Info shows what is known of one plugin: who it is, where it came from, who signed
it, what it may touch and what it can do. It is the one with this id, or else the
one that a source has, of which nothing is installed.`,
		Example: `  zlayer plugin info dockerfile
  zlayer plugin info registry.example/acme/oven:1.2.0
  zlayer plugin info ./oven --format json`,
		Args:              args(cobra.ExactArgs(1)),
		ValidArgsFunction: only(a.completeIDs(anyPlugin, cobra.ShellCompDirectiveDefault)),
		RunE:              a.pluginInfo,
	}
	formatFlag(c)
	return c
}

func (a *app) pluginInfo(c *cobra.Command, given []string) error {
	m, asJSON, err := a.managing(c)
	if err != nil {
		return err
	}
	p, err := m.Info(c.Context(), given[0])
	if err != nil {
		return err
	}
	if asJSON {
		return writeJSON(a.Stdout, p)
	}
	fmt.Fprintf(a.Stdout, "%s %s\n", oneLine(p.ID), oneLine(p.Version))
	w := tabwriter.NewWriter(a.Stdout, 0, 0, 2, ' ', 0)
	for _, f := range facts(p) {
		if f.text != "" {
			fmt.Fprint(w, "  ")
			row(w, f.name, f.text)
		}
	}
	return w.Flush()
}

// fact is something that is known of a plugin.
type fact struct{ name, text string }

// facts are all that is known of a plugin; those that are not known are empty.
func facts(p *plugins.Plugin) []fact {
	list := []fact{
		{"summary", p.Summary}, {"kind", p.Kind}, {"protocol", p.Protocol}, {"origin", p.Origin}, {"path", p.Path},
		{"source", p.Source}, {"resolved", p.Resolved}, {"digest", p.Digest}, {"signature", p.Signature},
		{"compiled", compiled(*p)}, {"may touch", touches(p.Grants)},
	}
	if p.Added != nil {
		list = append(list, fact{"added", p.Added.UTC().Format(time.DateTime)})
	}
	if p.Development {
		list = append(list, fact{"development", "it is a folder of this machine"})
	}
	return append(append(list, abilities(p)...), fact{"state", state(p.Fault, p.Problem)}, fact{"hint", p.Help})
}

// abilities are what the manifest says that a plugin can do.
func abilities(p *plugins.Plugin) []fact {
	if p.Manifest == nil {
		return nil
	}
	list := []fact{{"platforms", strings.Join(p.Manifest.Platforms(), " ")}}
	if claims := p.Manifest.Claims; claims != nil {
		list = append(list, fact{"files", strings.Join(claims.Files, " ")}, fact{"syntaxes", strings.Join(claims.Syntaxes, " ")},
			fact{"priority", fmt.Sprint(claims.Priority)})
	}
	if can := p.Manifest.Capabilities; can != nil {
		list = append(list, fact{"images for", strings.Join(can.Platforms, " ")}, fact{"features", strings.Join(can.Features, " ")})
	}
	return list
}

// touches lists in words what a plugin may touch.
func touches(grants []grant.Grant) string {
	var words []string
	for _, g := range grants {
		words = append(words, g.String())
	}
	return strings.Join(words, ", ")
}
