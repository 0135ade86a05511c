// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"github.com/spf13/cobra"
)

func newPluginCompile(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "compile",
		Short:   "Fill the compile cache of all frontends",
		Long:    "Compile translates the wasm modules of all frontends to machine code, so that\nthe next check starts at once. It is never needed, only faster.",
		Example: "  zlayer plugin compile",
		Args:    args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			h, err := a.open()
			if err != nil {
				return err
			}
			return h.Compile(c.Context())
		},
	}
}
