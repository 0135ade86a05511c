// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/zlayer/zlayer/host"
)

// sourceFlags adds -f and -z.
func sourceFlags(c *cobra.Command) {
	c.Flags().StringP("file", "f", "", `build file; "-" reads it from stdin`)
	c.Flags().StringP("zimagefile", "z", "", "build file, read as a ZImagefile whatever its name")
	c.MarkFlagsMutuallyExclusive("file", "zimagefile")
}

// zimagefileFrontend is the frontend of -z.
const zimagefileFrontend = "zimagefile"

// source reads the build file that the flags name, else the one found in dir.
func (a *app) source(c *cobra.Command, dir string) (host.Source, error) {
	if path, _ := c.Flags().GetString("zimagefile"); path != "" {
		s, err := a.readSource(path)
		s.Frontend = zimagefileFrontend
		return s, err
	}
	if path, _ := c.Flags().GetString("file"); path != "" {
		return a.readSource(path)
	}
	h, err := a.open()
	if err != nil {
		return host.Source{}, err
	}
	path, err := h.Discover(dir)
	if err != nil {
		return host.Source{}, err
	}
	return a.readSource(path)
}

// readSource reads a build file; "-" is stdin.
func (a *app) readSource(path string) (host.Source, error) {
	if path != "-" {
		return host.ReadSource(path)
	}
	content, err := io.ReadAll(io.LimitReader(a.Stdin, host.MaxSource+1))
	if err != nil {
		return host.Source{}, &host.InputError{Message: "cannot read the build file from stdin", Err: err}
	}
	return host.Source{Name: "<stdin>", Content: content}, nil
}

// contextDir returns the one context argument, by default the working
// directory.
func contextDir(given []string) (string, error) {
	dir := "."
	if len(given) > 0 {
		dir = given[0]
	}
	info, err := os.Stat(dir)
	if err != nil {
		return "", &host.InputError{Message: "cannot use the build context " + dir, Help: "give the folder that holds the files to build", Err: pathCause(err)}
	}
	if !info.IsDir() {
		return "", &host.InputError{Message: "the build context " + dir + " is not a folder", Help: "give its folder, and the build file with --file"}
	}
	return dir, nil
}

// stdinContext reads the context, and the build file in it, from stdin.
func (a *app) stdinContext(c *cobra.Command, r *host.Request) (s *host.Stream, err error) {
	name, _ := c.Flags().GetString("file")
	frontend := ""
	if path, _ := c.Flags().GetString("zimagefile"); path != "" {
		name, frontend = path, zimagefileFrontend
	}
	if name == "-" {
		return nil, usagef("stdin is the build context: it cannot be the build file, too")
	}
	h, err := a.open()
	if err != nil {
		return nil, err
	}
	if s, err = h.ReadContext(a.Stdin); err != nil {
		return nil, err
	}
	if r.Source, err = s.Source(name); err != nil {
		s.Close()
		return nil, err
	}
	r.Context, r.Source.Frontend = s.Dir, frontend
	return s, nil
}
