// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/zlayer/zlayer/conformance"
	"github.com/zlayer/zlayer/conformance/report"
	"github.com/zlayer/zlayer/conformance/suite"
)

// completeCases completes the sections and cases of the plugin that is given.
func (a *app) completeCases(c *cobra.Command, given []string, _ string) ([]string, cobra.ShellCompDirective) {
	const directive = cobra.ShellCompDirectiveNoFileComp
	if len(given) == 0 || a.configure(c, nil) != nil {
		return nil, directive
	}
	o, err := a.conformanceOptions(c, given[0])
	if err != nil {
		return nil, directive
	}
	cases, err := conformance.List(o)
	if err != nil {
		return nil, directive
	}
	var names []string
	for _, c := range cases {
		if section := suite.Section(c.Name); !slices.Contains(names, section) {
			names = append(names, section)
		}
		names = append(names, c.Name)
	}
	return names, directive
}

// completeReports completes the FORMAT= of an output.
func completeReports(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var values []string
	for _, f := range report.Formats() {
		values = append(values, f+"=")
	}
	return values, cobra.ShellCompDirectiveNoSpace
}
