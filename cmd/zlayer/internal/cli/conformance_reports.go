// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/zlayer/zlayer/conformance"
	"github.com/zlayer/zlayer/conformance/report"
	"github.com/zlayer/zlayer/conformance/suite"
	"github.com/zlayer/zlayer/host"
)

// reports are what is written about one run: one on stdout, others in files.
type reports struct {
	writers []report.Writer
	files   []*aside
}

// openReports begins the reports that the flags ask for.
func (a *app) openReports(c *cobra.Command, plugin string) (*reports, error) {
	format, _ := c.Flags().GetString("format")
	outputs, _ := c.Flags().GetStringArray("output")
	o := report.Options{Command: commandWords(c, plugin)}
	o.Verbose, _ = c.Flags().GetBool("verbose")
	w, err := report.New(format, a.Stdout, o)
	if err != nil {
		return nil, usagef("--format: %w", err)
	}
	all := &reports{writers: []report.Writer{w}}
	for _, output := range outputs {
		if err := all.add(output, o); err != nil {
			all.discard()
			return nil, err
		}
	}
	return all, nil
}

// add begins the report of an --output.
func (all *reports) add(output string, o report.Options) error {
	format, path, _ := strings.Cut(output, "=")
	if path == "" {
		return usagef("--output: %q is not FORMAT=FILE", output)
	}
	file, err := createAside(path)
	if err != nil {
		return err
	}
	all.files = append(all.files, file)
	w, err := report.New(format, file, o)
	if err != nil {
		return usagef("--output: %w", err)
	}
	all.writers = append(all.writers, w)
	return nil
}

func (all *reports) result(r suite.Result) {
	for _, w := range all.writers {
		w.Result(r)
	}
}

// end completes all reports.
func (all *reports) end(r *conformance.Report) error {
	for _, w := range all.writers {
		if err := w.End(r); err != nil {
			return err
		}
	}
	for _, f := range all.files {
		if err := f.commit(); err != nil {
			return err
		}
	}
	return nil
}

// discard removes what did not become a report.
func (all *reports) discard() {
	for _, f := range all.files {
		f.discard()
	}
}

// commandWords are the words of the command without what chooses cases and
// reports.
func commandWords(c *cobra.Command, plugin string) []string {
	words := []string{"zlayer", "conformance", plugin}
	c.Flags().Visit(func(f *pflag.Flag) {
		switch f.Name {
		case "run", "fix", "format", "output", "parallel", "verbose":
			return
		case "trace":
			words = append(words, "--trace")
			return
		}
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		for _, v := range values {
			words = append(words, "--"+f.Name, v)
		}
	})
	return words
}

// aside is a file that takes the place of another when it is complete.
type aside struct {
	*os.File
	path string
}

// createAside begins a file for a path.
func createAside(path string) (*aside, error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return nil, &host.InputError{Message: "cannot write " + path, Help: "the folder must exist", Err: err}
	}
	return &aside{f, path}, nil
}

// commit puts the file in its place, with the mode of a new file.
func (a *aside) commit() error {
	err := a.Chmod(0o644)
	if closeErr := a.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return os.Rename(a.Name(), a.path)
}

// discard removes the file, unless it is in its place.
func (a *aside) discard() {
	a.Close()
	os.Remove(a.Name())
}
