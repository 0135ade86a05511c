// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/zlayer/zlayer/host"
)

// reportFlags adds the flags for files that say what was built.
func reportFlags(c *cobra.Command) {
	c.Flags().String("iidfile", "", "write the digest of the result, and nothing else, to this file")
	c.Flags().String("metadata-file", "", "write what there is to say of the build to this file, as JSON")
}

// outputFlag adds --output.
func outputFlag(c *cobra.Command, what string) {
	c.Flags().StringArrayP("output", "o", nil, what+": type=oci-layout|oci-archive|docker-archive,dest=PATH; may be repeated")
	_ = c.RegisterFlagCompletionFunc("output", func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		if strings.Contains(typed, "dest=") {
			return nil, cobra.ShellCompDirectiveDefault
		}
		return []string{"type=oci-layout,dest=", "type=oci-archive,dest=", "type=docker-archive,dest="},
			cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
	})
}

// outputs reads --output.
func outputs(c *cobra.Command) ([]host.Output, error) {
	given, _ := c.Flags().GetStringArray("output")
	var list []host.Output
	for _, text := range given {
		fields, err := options("--output", text, "type", "dest")
		if err != nil {
			return nil, err
		}
		o := host.Output{Type: host.OutputType(fields["type"]), Path: fields["dest"]}
		if !slices.Contains([]host.OutputType{host.OutputOCILayout, host.OutputOCIArchive, host.OutputDockerArchive}, o.Type) {
			return nil, usagef("--output %q: type must be oci-layout, oci-archive or docker-archive", text)
		}
		if o.Path == "" {
			return nil, usagef("--output %q: dest is missing", text)
		}
		list = append(list, o)
	}
	return list, nil
}
