// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/ir"
)

func newIR(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "ir [PATH|URL|-]",
		Short: "Show the Build IR of a build file",
		Long: `IR shows what a build file means: what the frontend says, or, with --resolved,
what a backend would get, with every word expanded and every reference pinned.
For the latter base images are fetched as for a build. A file is a
build file in its folder; anything else is a build context, as build has it.`,
		Example: `  zlayer ir .
  zlayer ir . --format json
  zlayer ir https://git.example/team/app.git#v1.2:services/web
  zlayer ir . --resolved --target test --build-arg LEVEL=2`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: a.ir,
	}
	formatFlag(c)
	c.Flags().Bool("resolved", false, "what a backend would get")
	sourceFlags(c)
	requestFlags(a, c)
	return c
}

func (a *app) ir(c *cobra.Command, given []string) error {
	asJSON, err := wantJSON(c)
	if err != nil {
		return err
	}
	var r host.Request
	given, err = asContext(c, given)
	if err != nil {
		return err
	}
	if err := a.request(c, given, &r); err != nil {
		return err
	}
	h, err := a.understand()
	if err != nil {
		return err
	}
	f, err := h.Fetch(c.Context(), r)
	if err != nil {
		return err
	}
	defer f.Close()
	if resolved, _ := c.Flags().GetBool("resolved"); !resolved {
		checked, err := a.checked(c, h, f.Request.Source)
		if err != nil {
			return err
		}
		return writeIR(a.Stdout, asJSON, checked.Build, ir.Text(checked.Build))
	}
	resolved, err := h.Resolve(c.Context(), f.Request)
	if err != nil {
		return err
	}
	if err := diag.Print(a.Stderr, resolved.Checked.Files, resolved.Diagnostics); err != nil {
		return err
	}
	return writeIR(a.Stdout, asJSON, resolved.Build, ir.TextResolved(resolved.Build))
}

// asContext turns a path of a file into the folder's path and the flag --file.
func asContext(c *cobra.Command, given []string) ([]string, error) {
	if len(given) == 0 || given[0] == "-" || isDir(given[0]) || away(given[0]) || c.Flags().Changed("file") || c.Flags().Changed("zimagefile") {
		return given, nil
	}
	return []string{filepath.Dir(given[0])}, c.Flags().Set("file", given[0])
}

// checked checks a source and shows its warnings; errors are an error.
func (a *app) checked(c *cobra.Command, h *host.Host, s host.Source) (*host.Checked, error) {
	checked, err := h.Check(c.Context(), s)
	if err != nil {
		return nil, err
	}
	if diag.HasErrors(checked.Diagnostics) {
		return nil, &host.SourceError{Files: checked.Files, Diagnostics: checked.Diagnostics}
	}
	return checked, diag.Print(a.Stderr, checked.Files, checked.Diagnostics)
}

// writeIR writes a build as JSON or as text.
func writeIR(w io.Writer, asJSON bool, build any, text string) error {
	if asJSON {
		return writeJSON(w, build)
	}
	_, err := fmt.Fprint(w, text)
	return err
}
