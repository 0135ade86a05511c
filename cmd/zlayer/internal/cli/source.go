// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

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

// context reads the context argument, by default the working directory, and the
// build file, unless that is in a context from elsewhere.
func (a *app) context(c *cobra.Command, given []string, r *host.Request) (err error) {
	text := "."
	if len(given) > 0 {
		text = given[0]
	}
	if text == "-" {
		r.Context = host.Context{Stream: a.Stdin}
	} else if r.Context, err = parseContext(text); err != nil {
		return err
	}
	if r.Context.Away() {
		r.Source, err = a.sourceWithin(c, text == "-")
		return err
	}
	if err := r.Context.Check(); err != nil {
		return err
	}
	// As given, so that messages name the build file as the user would.
	if r.Source, err = a.source(c, r.Context.Folder); err != nil {
		return err
	}
	if r.Context.Folder, err = filepath.Abs(r.Context.Folder); err != nil {
		return fmt.Errorf("finding the build context: %w", err)
	}
	return nil
}

// parseContext is host.ParseContext, but what is on this machine by that name
// goes first.
func parseContext(text string) (host.Context, error) {
	if _, err := os.Stat(text); err == nil {
		return host.Context{Folder: text}, nil
	}
	return host.ParseContext(text)
}

// away says whether a text is a context that is not a path.
func away(text string) bool {
	c, err := parseContext(text)
	return err != nil || c.Folder == ""
}

// sourceWithin names the build file of a context from elsewhere. One from stdin
// is read.
func (a *app) sourceWithin(c *cobra.Command, stdinTaken bool) (s host.Source, err error) {
	s.Name, _ = c.Flags().GetString("file")
	if path, _ := c.Flags().GetString("zimagefile"); path != "" {
		s.Name, s.Frontend = path, zimagefileFrontend
	}
	switch {
	case s.Name != "-":
		return s, nil
	case stdinTaken:
		return s, usagef("stdin is the build context: it cannot be the build file, too")
	}
	read, err := a.readSource(s.Name)
	read.Frontend = s.Frontend
	return read, err
}
