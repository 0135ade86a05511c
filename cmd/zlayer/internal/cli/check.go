// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
)

func newCheck(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "check [PATHS…]",
		Short: "Say what is wrong with build files, offline",
		Long: `Check reads build files and prints what is wrong with them. It starts no
backend, uses no network and needs no daemon. A folder stands for its build
file; "-" is stdin. Without a path it checks the working directory.

It ends with 0 when no finding reaches --severity, else with 3.`,
		Example: `  zlayer check
  zlayer check Dockerfile images/*/ZImagefile --severity warning
  zlayer check - --format json < Dockerfile`,
		RunE: a.check,
	}
	formatFlag(c)
	c.Flags().String("severity", "error", "least severity that makes check fail: error, warning or info")
	choices(c, "severity", "error", "warning", "info")
	sourceFlags(c)
	return c
}

// checkedFile is one file in the JSON output of check.
type checkedFile struct {
	File        string               `json:"file"`
	Frontend    string               `json:"frontend"`
	Diagnostics []*diagv1.Diagnostic `json:"diagnostics"`
}

// checkMemory is how much memory a check may use before garbage is collected:
// it is over before that pays.
const checkMemory = 256 << 20

func (a *app) check(c *cobra.Command, paths []string) error {
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(checkMemory)
	asJSON, err := wantJSON(c)
	if err != nil {
		return err
	}
	// The settings allow only known severities.
	severity, _ := diag.ParseSeverity(a.config.String("severity"))
	sources, err := a.sources(c, paths)
	if err != nil {
		return err
	}
	h, err := a.understand()
	if err != nil {
		return err
	}
	reached := false
	files := []checkedFile{}
	for _, s := range sources {
		checked, err := h.Check(c.Context(), s)
		if err != nil {
			return err
		}
		reached = reached || diag.Reaches(checked.Diagnostics, severity)
		files = append(files, checkedFile{s.Name, checked.Frontend, append([]*diagv1.Diagnostic{}, checked.Diagnostics...)})
		if !asJSON {
			if err := diag.Print(a.Stdout, checked.Files, checked.Diagnostics); err != nil {
				return err
			}
		}
	}
	if asJSON {
		if err := writeJSON(a.Stdout, files); err != nil {
			return err
		}
	}
	if reached {
		return reported(exitSource)
	}
	return nil
}

// sources returns the build files that the paths and flags name.
func (a *app) sources(c *cobra.Command, paths []string) ([]host.Source, error) {
	file, _ := c.Flags().GetString("file")
	zimagefile, _ := c.Flags().GetString("zimagefile")
	if len(paths) > 0 && file+zimagefile != "" {
		return nil, usagef("give paths, or a file by flag, not both")
	}
	if len(paths) == 0 {
		s, err := a.source(c, ".")
		return []host.Source{s}, err
	}
	var sources []host.Source
	for _, path := range paths {
		s, err := a.sourceAt(path)
		if err != nil {
			return nil, err
		}
		sources = append(sources, s)
	}
	return sources, nil
}

// sourceAt reads a build file, or the build file of a folder.
func (a *app) sourceAt(path string) (host.Source, error) {
	if path != "-" && away(path) {
		return host.Source{}, &host.InputError{
			Message: "what is not on this machine cannot be read: this command uses no network",
			Help:    "zlayer ir fetches a context; or fetch it yourself, and give the file",
		}
	}
	if path == "-" || !isDir(path) {
		return a.readSource(path)
	}
	h, err := a.open()
	if err != nil {
		return host.Source{}, err
	}
	found, err := h.Discover(path)
	if err != nil {
		return host.Source{}, err
	}
	return a.readSource(found)
}
