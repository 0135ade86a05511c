// SPDX-License-Identifier: Apache-2.0

// Package cli is zlayer's command line: one file a command. Commands parse,
// call package host, and print; they decide nothing else.
//
// Results go to stdout, everything else to stderr. What asks a question at a
// terminal has a flag or a variable for it, so all work without one.
package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/zlayer/zlayer/cmd/zlayer/internal/config"
	"github.com/zlayer/zlayer/cmd/zlayer/internal/progress"
	"github.com/zlayer/zlayer/host"
)

// Process is what a run of zlayer gets from the operating system.
type Process struct {
	// Args are the arguments without the program's name.
	Args []string
	// Stdin is where "-" reads from.
	Stdin io.Reader
	// Stdout gets results, Stderr everything else.
	Stdout, Stderr io.Writer
	// Environ is the environment, as from os.Environ.
	Environ []string
	// Version is zlayer's own version, Commit that of its source; empty when
	// it is not known.
	Version, Commit string
}

// Main runs one command and returns its exit code.
func Main(ctx context.Context, p Process) int {
	a := &app{Process: p}
	root := newRoot(a)
	root.SetArgs(p.Args)
	root.SetIn(p.Stdin)
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	err := root.ExecuteContext(ctx)
	a.compileOn(ctx)
	if a.host != nil {
		if closeErr := a.host.Close(); err == nil {
			err = closeErr
		}
	}
	return a.finish(ctx, err)
}

// app is what the commands share.
type app struct {
	Process
	config *config.Config
	host   *host.Host
	// found is how host was opened.
	found  host.Config
	events progress.Shower // set when stderr is for JSON events only
	quiet  bool            // set when stderr is for errors only
}

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "zlayer",
		Short: "Build container images and wasm artifacts through plugins",
		Long: `zlayer builds container images and wasm artifacts. Frontends, wasm modules in a
sandbox, understand build files; backends, separate processes, build them.

Settings come from flags, ZLAYER_* variables, the project's zlayer.yaml and the
user's config.yaml, in this order; "zlayer config" shows them.`,
		Example: `  zlayer build . --tag app
  zlayer check
  zlayer build . --output type=oci-archive,dest=app.tar`,
		SilenceUsage:      true,
		SilenceErrors:     true,
		Args:              args(subcommand),
		PersistentPreRunE: a.configure,
		RunE:              func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SuggestionsMinimumDistance = 2
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usagef("%w; see %s --help", err, c.CommandPath())
	})
	settingFlags(root)
	root.AddCommand(
		newBuild(a), newCheck(a), newIR(a), newExplain(a),
		newImages(a), newInspect(a), newHistory(a), newTag(a), newRm(a), newPrune(a), newManifest(a),
		newPull(a), newPush(a), newSave(a), newLoad(a), newLogin(a), newLogout(a),
		newPlugin(a), newConformance(a), newConfig(a), newVersion(a), newExitCodesTopic(),
	)
	return root
}

// settingFlags adds the settings that every command has as a flag.
func settingFlags(root *cobra.Command) {
	f := root.PersistentFlags()
	f.String("data-dir", "", "state folder (images, caches, plugins)")
	f.StringArray("plugin-dir", nil, "a further folder of plugins; may be repeated")
	f.StringArray("insecure-registry", nil, "a registry reached over http or with an unknown certificate; may be repeated")
	f.String("locked", "ci", "when plugins must be those of zlayer.lock: never, ci or always; alone, it is always")
	f.Lookup("locked").NoOptDefVal = "always"
	f.String("signatures", "off", "what is demanded of the signatures of installed plugins: off, warn or require")
	f.StringArray("trusted-key", nil, "a public key that may sign plugins, FILE or PATTERN=FILE; may be repeated")
	f.StringArray("trusted-identity", nil, "an identity that may sign plugins, issuer=URL,subject=NAME; may be repeated")
	f.String("trusted-root", "", "file trusted_root.json: who vouches for identities")
	choices(root, "locked", "never", "ci", "always")
	choices(root, "signatures", "off", "warn", "require")
}

// configure reads the settings before every command.
func (a *app) configure(c *cobra.Command, _ []string) error {
	userFile, err := config.UserFile()
	if err != nil {
		return &usageError{err}
	}
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	a.config, err = config.Load(config.Sources{UserFile: userFile, WorkDir: dir, Environ: a.Environ, Flags: c.Flags()})
	if err != nil {
		return &usageError{err}
	}
	return nil
}

// getenv returns a variable of the process's environment, or "".
func (a *app) getenv(name string) string {
	value, _ := a.lookupEnv(name)
	return value
}

// lookupEnv looks a variable up in the process's environment.
func (a *app) lookupEnv(name string) (string, bool) {
	for _, kv := range a.Environ {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			return v, true
		}
	}
	return "", false
}

// args wraps an argument check so that its errors count as usage errors.
func args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, given []string) error {
		if err := check(c, given); err != nil {
			return usagef("%w; see %s --help", err, c.CommandPath())
		}
		return nil
	}
}

// subcommand refuses arguments of a command that only has commands below it.
func subcommand(c *cobra.Command, given []string) error {
	if len(given) == 0 {
		return nil
	}
	if near := c.SuggestionsFor(given[0]); len(near) > 0 {
		return fmt.Errorf("unknown command %q; did you mean %s?", given[0], strings.Join(near, " or "))
	}
	return fmt.Errorf("unknown command %q", given[0])
}

// choices adds shell completion of a flag's fixed values.
func choices(c *cobra.Command, flag string, values ...string) {
	// The only error is an unknown flag, which would be a mistake here.
	_ = c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

// formatFlag adds --format text|json.
func formatFlag(c *cobra.Command) {
	c.Flags().String("format", "text", "output format: text or json")
	choices(c, "format", "text", "json")
}

// wantJSON reads the flag of formatFlag.
func wantJSON(c *cobra.Command) (bool, error) {
	switch format, _ := c.Flags().GetString("format"); format {
	case "json":
		return true, nil
	case "text":
		return false, nil
	default:
		return false, usagef("--format: %q is not text or json", format)
	}
}
