// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

func newLogout(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "logout [REGISTRY]",
		Short: "Forget the credentials for a registry",
		Long: `Logout removes what docker's and podman's auth files, and the credential helpers
that they name, have for a registry, docker.io without REGISTRY. When they have
nothing, that is no error.`,
		Example:           "  zlayer logout registry.example",
		Args:              args(cobra.MaximumNArgs(1)),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, given []string) error {
			h, err := a.open()
			if err != nil {
				return err
			}
			files, err := h.Logout(c.Context(), strings.Join(given, ""))
			if err != nil {
				return err
			}
			if len(files) == 0 {
				fmt.Fprintln(a.Stderr, "zlayer: note: there were no credentials for it")
			}
			for _, file := range files {
				fmt.Fprintf(a.Stdout, "removed from %s\n", file)
			}
			return nil
		},
	}
}
