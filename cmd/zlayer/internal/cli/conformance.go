// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/zlayer/zlayer/conformance"
	"github.com/zlayer/zlayer/conformance/report"
	"github.com/zlayer/zlayer/conformance/suite"
	"github.com/zlayer/zlayer/host"
)

// The names of what the author of a plugin may put into its folder.
const (
	knownFile  = "conformance.txt"
	vectorsDir = "vectors"
)

func newConformance(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "conformance PLUGIN",
		Short: "Test a plugin against the specification",
		Long: `Conformance runs the cases of the conformance suite that are about a plugin, in
its folder or installed under its id, and says what it does otherwise than
sdk/SPEC.md. What the plugin declares selects the cases.

` + knownFile + ` in the plugin's folder lists failures that are known, "CASE  # part
of the message" a line: they do not count, and a line that is not right does.
The folder ` + vectorsDir + ` beside it holds cases of the author's own.

It ends with 0 when the plugin conforms, with 9 when it does not, with 5 when it
cannot be tested, and with 10 when there is none.`,
		Example: `  zlayer conformance ./dist/my-frontend
  zlayer conformance dockerfile --run frontend --run 'contract/manifest-*'
  zlayer conformance ./my-backend -o junit=junit.xml -o html=report.html
  zlayer conformance ./my-frontend --engine 'wasmtime run {module}'
  zlayer conformance ./my-backend --fix`,
		Args:              args(cobra.ExactArgs(1)),
		ValidArgsFunction: only(a.completeIDs(anyPlugin, cobra.ShellCompDirectiveDefault)),
		RunE:              func(c *cobra.Command, given []string) error { return a.conformance(c, given[0]) },
	}
	f := c.Flags()
	f.StringArray("run", nil, "run only the cases of this name, pattern or section; may be repeated")
	f.Bool("list", false, "list the cases and run none")
	f.String("known-failing", "", "list of known failures (default "+knownFile+" in the plugin's folder)")
	f.Bool("fix", false, "after the run, make the list of known failures right")
	f.String("engine", "", `command that runs a frontend, "{module}" being its module (default: built in)`)
	f.StringArray("vectors", nil, "folder of further vectors; may be repeated (default "+vectorsDir+" in the plugin's folder)")
	f.String("format", "text", "format of the report on stdout: "+strings.Join(report.Formats(), ", "))
	f.StringArrayP("output", "o", nil, "a further report, FORMAT=FILE; may be repeated")
	f.Int("parallel", runtime.NumCPU(), "how many cases run at once")
	f.BoolP("verbose", "v", false, "show each case, also those that pass")
	f.Bool("trace", false, "show what went over the wire where something is wrong")
	choices(c, "format", report.Formats()...)
	_ = c.RegisterFlagCompletionFunc("run", a.completeCases)
	_ = c.RegisterFlagCompletionFunc("output", completeReports)
	return c
}

func (a *app) conformance(c *cobra.Command, plugin string) error {
	o, err := a.conformanceOptions(c, plugin)
	if err != nil {
		return err
	}
	if list, _ := c.Flags().GetBool("list"); list {
		return a.listCases(o)
	}
	known, err := openKnown(c, o.Plugin)
	if err != nil {
		return err
	}
	o.Suite.Known = known.Known
	reports, err := a.openReports(c, plugin)
	if err != nil {
		return err
	}
	defer reports.discard()
	o.Suite.OnResult = reports.result
	r, err := conformance.Run(c.Context(), o)
	if err != nil {
		return conformanceError(plugin, err)
	}
	if len(r.Results) == 0 && o.Suite.Match != nil {
		return usagef("--run fits no case; see --list")
	}
	if err := reports.end(r); err != nil {
		return err
	}
	if fix, _ := c.Flags().GetBool("fix"); fix && r.Whole {
		return known.fix(a.Stderr)
	}
	if !r.OK() {
		return reported(exitConformance)
	}
	return nil
}

// conformanceOptions are the options that the flags ask for, but for who gets
// the results.
func (a *app) conformanceOptions(c *cobra.Command, plugin string) (conformance.Options, error) {
	var o conformance.Options
	f := c.Flags()
	patterns, _ := f.GetStringArray("run")
	engine, _ := f.GetString("engine")
	o.Suite.Parallel, _ = f.GetInt("parallel")
	o.Suite.Trace, _ = f.GetBool("trace")
	var err error
	if o.Suite.Match, err = suite.Match(patterns...); err != nil {
		return o, usagef("--run: %w", err)
	}
	if fix, _ := f.GetBool("fix"); fix && len(patterns) > 0 {
		return o, usagef("--fix needs a run of all cases, without --run")
	}
	if o.Suite.Parallel < 1 {
		return o, usagef("--parallel must be at least 1")
	}
	if o.Engine, err = splitWords(engine); err != nil {
		return o, usagef("--engine: %w", err)
	}
	if o.Plugin, err = a.pluginFolder(plugin); err != nil {
		return o, err
	}
	if o.Vectors, err = vectorFolders(c, o.Plugin); err != nil {
		return o, err
	}
	dataDir, err := a.stateFolder()
	if err != nil {
		return o, err
	}
	o.Cache, o.Environ = filepath.Join(dataDir, "conformance"), a.Environ
	o.Bundle, err = a.frontendFolder()
	return o, err
}

// vectorFolders are the folders of the author's own vectors.
func vectorFolders(c *cobra.Command, plugin string) ([]string, error) {
	folders, _ := c.Flags().GetStringArray("vectors")
	if dir := filepath.Join(plugin, vectorsDir); len(folders) == 0 && isDir(dir) {
		return []string{dir}, nil
	}
	for _, dir := range folders {
		if !isDir(dir) {
			return nil, usagef("--vectors: %s is no folder", dir)
		}
	}
	return folders, nil
}

// pluginFolder returns the folder of a plugin: the one that is named, or that of
// the installed plugin with this id.
func (a *app) pluginFolder(plugin string) (string, error) {
	if isDir(plugin) {
		return plugin, nil
	}
	list, err := a.listed()
	if err != nil {
		return "", err
	}
	for _, p := range list {
		if p.ID == plugin {
			return p.Path, nil
		}
	}
	return "", &host.PluginError{
		ID: plugin, Fault: host.Absent, Message: "there is no such folder, and no installed plugin has this id", Help: "zlayer plugin list shows all plugins",
	}
}

// frontendFolder is the folder that holds the frontends for the vectors of
// backends: the bundle, or where else the one for Dockerfiles is.
func (a *app) frontendFolder() (string, error) {
	if dir := bundleDir(); dir != "" {
		return dir, nil
	}
	list, err := a.listed()
	if err != nil {
		return "", err
	}
	for _, p := range list {
		if p.ID == "dockerfile" {
			return filepath.Dir(p.Path), nil
		}
	}
	return "", nil
}

func (a *app) listCases(o conformance.Options) error {
	cases, err := conformance.List(o)
	if err != nil {
		return conformanceError(o.Plugin, err)
	}
	w := tabwriter.NewWriter(a.Stdout, 0, 0, 2, ' ', 0)
	for _, c := range cases {
		if o.Suite.Match == nil || o.Suite.Match(c.Name) {
			fmt.Fprintf(w, "%s\t%s\n", c.Name, c.About)
		}
	}
	return w.Flush()
}

// conformanceError says what kept a plugin from being tested.
func conformanceError(plugin string, err error) error {
	var broken *conformance.PluginError
	var engine *conformance.EngineError
	var vector *conformance.VectorError
	switch {
	case errors.As(err, &broken):
		return &host.PluginError{ID: plugin, Message: "it cannot be tested", Help: "PLUGIN is a folder with a manifest, sealed by zlayer plugin seal", Err: broken.Err}
	case errors.As(err, &engine):
		return usagef("--engine: %w", engine.Err)
	case errors.As(err, &vector):
		return &host.InputError{Message: "a file holds no vector", Help: "conformance/vectors/README.md says what one is", Err: vector}
	case errors.Is(err, context.Canceled):
		return err
	}
	return fmt.Errorf("testing %s: %w", plugin, err)
}
