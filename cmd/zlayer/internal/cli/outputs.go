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

// outputTypes are the types of --output.
var outputTypes = []host.OutputType{host.OutputOCILayout, host.OutputOCIArchive, host.OutputDockerArchive, host.OutputLocal, host.OutputTar, host.OutputDocker}

// outputFlag adds --output.
func outputFlag(c *cobra.Command, what string) {
	c.Flags().StringArrayP("output", "o", nil, what+`: type=oci-layout|oci-archive|docker-archive|local|tar,dest=PATH, or a folder for type=local; "-" is stdout; type=docker loads it into docker or podman; may be repeated`)
	_ = c.RegisterFlagCompletionFunc("output", func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		if strings.Contains(typed, "dest=") {
			return nil, cobra.ShellCompDirectiveDefault
		}
		var begin []string
		for _, t := range outputTypes {
			if t == host.OutputDocker {
				begin = append(begin, "type=docker")
				continue
			}
			begin = append(begin, "type="+string(t)+",dest=")
		}
		return begin, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
	})
}

// outputs reads --output, and --load where there is one. At most one goes to
// stdout.
func (a *app) outputs(c *cobra.Command) ([]host.Output, error) {
	given, _ := c.Flags().GetStringArray("output")
	var list []host.Output
	for _, text := range given {
		o, err := output(text)
		if err != nil {
			return nil, err
		}
		if o.Path == "-" {
			if toStream(list) {
				return nil, usagef("--output %q: another output goes to stdout", text)
			}
			if o.Type == host.OutputLocal || o.Type == host.OutputOCILayout {
				return nil, usagef("--output %q: a folder cannot go to stdout", text)
			}
			o.Path, o.Writer = "<stdout>", a.Stdout
		}
		list = append(list, o)
	}
	if load, _ := c.Flags().GetBool("load"); load {
		list = append(list, host.Output{Type: host.OutputDocker})
	}
	return list, nil
}

// output reads one --output. As in docker, a path alone is a folder for the
// file system, and "-" alone a tar of it.
func output(text string) (host.Output, error) {
	if text == "-" {
		return host.Output{Type: host.OutputTar, Path: "-"}, nil
	}
	if !strings.Contains(text, "=") && text != "" {
		return host.Output{Type: host.OutputLocal, Path: text}, nil
	}
	fields, err := options("--output", text, "type", "dest")
	if err != nil {
		return host.Output{}, err
	}
	o := host.Output{Type: host.OutputType(fields["type"]), Path: fields["dest"]}
	switch {
	case !slices.Contains(outputTypes, o.Type):
		return o, usagef("--output %q: type must be oci-layout, oci-archive, docker-archive, local, tar or docker", text)
	case o.Type == host.OutputDocker && o.Path != "": // as buildx has it
		o.Type = host.OutputDockerArchive
	case o.Type != host.OutputDocker && o.Path == "":
		return o, usagef("--output %q: dest is missing", text)
	}
	return o, nil
}

// toStream says whether an output goes to stdout, where then nothing else may go.
func toStream(list []host.Output) bool {
	return slices.ContainsFunc(list, func(o host.Output) bool { return o.Writer != nil })
}
