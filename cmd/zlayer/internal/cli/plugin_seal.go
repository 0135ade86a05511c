// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"github.com/spf13/cobra"

	"github.com/zlayer/zlayer/host"
)

func newPluginSeal() *cobra.Command {
	var platform string
	c := &cobra.Command{
		Use:   "seal FOLDER…",
		Short: "Write the digests of a plugin's files into its manifest",
		Long: `Seal completes zlayer-plugin.json in the folder of a plugin being built: it
writes the digest of every file it lists, and for files without a platform of
a backend the one it was built for. Authors run it after each build.`,
		Example: "  zlayer plugin seal ./my-backend\n  zlayer plugin seal --platform linux/arm64 ./my-backend-arm64",
		Args:    args(cobra.MinimumNArgs(1)),
		RunE: func(_ *cobra.Command, folders []string) error {
			for _, folder := range folders {
				if err := host.Seal(folder, platform); err != nil {
					return err
				}
			}
			return nil
		},
	}
	c.Flags().StringVar(&platform, "platform", "", "platform that the plugin was built for, os/arch; else this machine's")
	return c
}
