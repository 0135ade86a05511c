// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"github.com/spf13/cobra"
)

func newSave(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "save IMAGE…",
		Short: "Write images of the store to a folder or archive",
		Long: `Save writes images of the store to an OCI layout folder, an OCI archive or a
Docker archive. What is at the destination is replaced, and only by a complete
result.`,
		Example:           "  zlayer save app:1 --output type=oci-archive,dest=app.tar\n  zlayer save app:1 web:1 --output type=docker-archive,dest=all.tar",
		Args:              args(cobra.MinimumNArgs(1)),
		ValidArgsFunction: a.completeImages,
		RunE: func(c *cobra.Command, given []string) error {
			list, err := outputs(c)
			if err != nil {
				return err
			}
			if len(list) == 0 {
				return usagef("--output is missing; see zlayer save --help")
			}
			h, err := a.open()
			if err != nil {
				return err
			}
			for _, o := range list {
				if err := h.Save(c.Context(), o, given...); err != nil {
					return err
				}
			}
			return nil
		},
	}
	c.Flags().StringArrayP("output", "o", nil, "where to: type=oci-layout|oci-archive|docker-archive,dest=PATH; may be repeated")
	return c
}
