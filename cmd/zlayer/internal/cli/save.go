// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"regexp"

	"github.com/spf13/cobra"
)

func newSave(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "save IMAGE",
		Short: "Write an image of the store to a folder or archive",
		Long: `Save writes an image of the store to an OCI layout folder, an OCI archive or a
Docker archive, or its file system to a folder (local) or a tar. What is at the
destination is replaced, and only by a complete result; what else is in a folder
of type local stays. Of a manifest list, the file systems are in a folder for each
platform. An image named by reference keeps that name there.`,
		Example:           "  zlayer save app:1 --output type=oci-archive,dest=app.tar\n  zlayer save app:1 --output type=docker-archive,dest=app.tar",
		Args:              args(cobra.ExactArgs(1)),
		ValidArgsFunction: only(a.completeImages()),
		RunE: func(c *cobra.Command, given []string) error {
			list, err := a.outputs(c)
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
			show := a.shower("plain")
			defer show.Close()
			for _, o := range list {
				if err := h.Save(c.Context(), given[0], o, show.Event, names(given[0])...); err != nil {
					return err
				}
			}
			return nil
		},
	}
	outputFlag(c, "where to")
	return c
}

// names returns the name an image has in an output: its reference, and none
// when it is named by digest.
func names(image string) []string {
	if digestLike.MatchString(image) {
		return nil
	}
	return []string{image}
}

// digestLike matches a digest, whole or its first digits.
var digestLike = regexp.MustCompile(`^(sha256:)?[0-9a-f]{4,64}$`)
