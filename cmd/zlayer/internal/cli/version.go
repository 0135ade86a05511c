// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/host/plugins"
)

func newVersion(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "version",
		Short: "Show the version of zlayer and of the plugins that came with it",
		Long: `Version shows what this zlayer was built of, and the version and digest of each
plugin that came with it. "zlayer plugin list" shows those that are used.`,
		Example: "  zlayer version --format json",
		Args:    args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			asJSON, err := wantJSON(c)
			if err != nil {
				return err
			}
			v, err := a.built()
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(a.Stdout, v)
			}
			return v.print(a.Stdout)
		},
	}
	formatFlag(c)
	return c
}

// build is what "version" shows.
type build struct {
	Version  string    `json:"version"`
	Commit   string    `json:"commit,omitempty"`
	Go       string    `json:"go"`
	Platform string    `json:"platform"`
	Plugins  []bundled `json:"plugins"`
}

// bundled is a plugin that came with zlayer.
type bundled struct {
	ID      string `json:"id"`
	Version string `json:"version"`
	Digest  string `json:"digest"`
}

// built looks at the bundle alone: what a project pins or the user installed
// changes nothing.
func (a *app) built() (*build, error) {
	v := &build{
		Version: a.Version, Commit: a.Commit, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Plugins: []bundled{},
	}
	dir, err := a.stateFolder()
	if err != nil {
		return nil, err
	}
	m, err := plugins.Open(host.Config{DataDir: dir, BundleDir: bundleDir()})
	if err != nil {
		return nil, err
	}
	list, err := m.List()
	if err != nil {
		return nil, err
	}
	for _, p := range list {
		if p.Origin == "bundle" {
			v.Plugins = append(v.Plugins, bundled{p.ID, p.Version, p.Digest})
		}
	}
	return v, nil
}

// print shows it to people.
func (v *build) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "zlayer %s %s %s\ncommit %s\n", v.Version, v.Platform, v.Go, cmp.Or(v.Commit, "unknown"))
	if len(v.Plugins) > 0 {
		fmt.Fprintln(w, "\nPLUGIN\tVERSION\tDIGEST")
	}
	for _, p := range v.Plugins {
		row(w, p.ID, p.Version, shortDigest(p.Digest))
	}
	return w.Flush()
}

// writeJSON writes a value as indented JSON and a newline.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
