// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/sdk/ir"
)

func newExplain(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "explain [PATH]",
		Short: "Show a build file as a Dockerfile",
		Long: `Explain writes what a build file says as a Dockerfile. What Dockerfile cannot
say is a finding at its place, and the command ends with 3.`,
		Example: "  zlayer explain ZImagefile\n  zlayer explain . > Dockerfile",
		Args:    args(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, given []string) error {
			sources, err := a.sources(c, given)
			if err != nil {
				return err
			}
			h, err := a.understand()
			if err != nil {
				return err
			}
			checked, err := a.checked(c, h, sources[0])
			if err != nil {
				return err
			}
			text, findings := ir.Dockerfile(checked.Build)
			if len(findings) > 0 {
				return &host.SourceError{Files: checked.Files, Diagnostics: findings}
			}
			_, err = fmt.Fprint(a.Stdout, text)
			return err
		},
	}
	sourceFlags(c)
	return c
}

// explainPlan shows, for build --explain, which backends fit.
func (a *app) explainPlan(c *cobra.Command, h *host.Host, r host.Request) error {
	plans, err := h.Plan(c.Context(), r)
	if err != nil {
		return err
	}
	var refused error // the first one is told
	for _, p := range plans {
		if p.Platform != "" {
			fmt.Fprintf(a.Stdout, "for %s:\n", p.Platform)
		}
		if _, err := fmt.Fprint(a.Stdout, p.Text); err != nil {
			return err
		}
		refused = cmp.Or(refused, p.Err)
	}
	return refused
}
