// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/zlayer/zlayer/cmd/zlayer/internal/config"
)

func newConfig(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: "Show every setting, its value and where it comes from",
		Long: `Config shows every setting with its value and its origin. A flag wins over a
ZLAYER_* variable, that over the project's zlayer.yaml (in the working
directory or above it), that over the user's config.yaml.`,
		Example: "  zlayer config\n  ZLAYER_PULL=never zlayer config --format json",
		Args:    args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			asJSON, err := wantJSON(c)
			if err != nil {
				return err
			}
			rows := settings(a.config)
			if asJSON {
				return writeJSON(a.Stdout, rows)
			}
			w := tabwriter.NewWriter(a.Stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "KEY\tVALUE\tORIGIN")
			for _, r := range rows {
				fmt.Fprintf(w, "%s\t%s\t%s\n", r.Key, r.text(), r.Origin)
			}
			return w.Flush()
		},
	}
	formatFlag(c)
	return c
}

// setting is one row of the config command.
type setting struct {
	Key    string        `json:"key"`
	Value  any           `json:"value"`
	Origin config.Origin `json:"origin"`
	Doc    string        `json:"doc"`
}

// text returns the value for the table.
func (s setting) text() string {
	if list, ok := s.Value.([]string); ok {
		return strings.Join(list, " ")
	}
	return fmt.Sprint(s.Value)
}

func settings(c *config.Config) []setting {
	var rows []setting
	for _, k := range config.Keys() {
		row := setting{Key: k.Name, Value: c.String(k.Name), Origin: c.Origin(k.Name), Doc: k.Doc}
		switch k.Default.(type) {
		case []string:
			row.Value = c.Strings(k.Name)
		case bool:
			row.Value = c.Bool(k.Name)
		}
		rows = append(rows, row)
	}
	return rows
}
