// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/zlayer/zlayer/cmd/zlayer/internal/scaffold"
	"github.com/zlayer/zlayer/host"
)

func newPluginNew(a *app) *cobra.Command {
	p := &scaffold.Project{}
	c := &cobra.Command{
		Use:   "new FOLDER",
		Short: "Begin a plugin: a project that builds and conforms",
		Long: `New writes a complete project into a folder that is empty or not there: source, a
test, a manifest, a Makefile and vectors of its own. "make" in it builds the
plugin, "make conformance" shows that it keeps to the specification.

A project in Go requires the SDK of zlayer's own version. A zlayer that is no
release needs --sdk, the folder "sdk" of a checkout.`,
		Example: `  zlayer plugin new my-frontend --kind frontend
  zlayer plugin new my-frontend --kind frontend --language rust --id me.example/my
  zlayer plugin new my-backend --kind container-backend --sdk ~/zlayer/sdk`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, given []string) error { return a.newProject(p, given[0]) },
	}
	flags := c.Flags()
	flags.StringVar(&p.Kind, "kind", "", "what it is: "+strings.Join(scaffold.Kinds(), ", "))
	flags.StringVar(&p.Language, "language", "", "what it is written in: go; or rust, for a frontend (default go)")
	flags.StringVar(&p.ID, "id", "", `id of the plugin, "vendor.example/name" (default example.com/ and the folder's name)`)
	flags.StringVar(&p.Module, "module", "", "path of the Go module (default the id)")
	flags.StringVar(&p.SDK, "sdk", "", "a checkout's folder sdk, in place of a published version")
	choices(c, "kind", scaffold.Kinds()...)
	choices(c, "language", "go", "rust")
	return c
}

// newProject writes a project.
func (a *app) newProject(p *scaffold.Project, dir string) error {
	if err := a.complete(p, dir); err != nil {
		return err
	}
	files, err := p.Files()
	if err != nil {
		return usagef("%w; see --id", err)
	}
	err = scaffold.Write(dir, files)
	if errors.Is(err, scaffold.ErrNotEmpty) {
		return &host.InputError{Message: dir + " is not empty", Help: "name a folder that does not exist yet"}
	}
	if err != nil {
		return &host.InputError{Message: "cannot write " + dir, Err: err}
	}
	fmt.Fprintf(a.Stdout, "%s is in %s; next: make -C %[2]s conformance\n", p.ID, dir)
	return nil
}

// complete checks what was asked for and fills in the rest.
func (a *app) complete(p *scaffold.Project, dir string) error {
	if !slices.Contains(scaffold.Kinds(), p.Kind) {
		return usagef("--kind: %q is not %s", p.Kind, strings.Join(scaffold.Kinds(), ", "))
	}
	languages := scaffold.Languages(p.Kind)
	if p.Language == "" {
		p.Language = languages[0]
	}
	if !slices.Contains(languages, p.Language) {
		return usagef("--language: a %s is written in %s here, not in %q", p.Kind, strings.Join(languages, " or "), p.Language)
	}
	if p.ID == "" {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return err
		}
		p.ID = "example.com/" + strings.ToLower(filepath.Base(abs))
	}
	if p.Module == "" {
		p.Module = p.ID
	}
	if p.Language != "go" {
		return nil
	}
	return a.sdk(p)
}

// release is a version that the SDK is published for too.
var release = regexp.MustCompile(`^v\d+\.\d+\.\d+$`)

// sdk decides where a project gets the SDK from.
func (a *app) sdk(p *scaffold.Project) error {
	switch {
	case p.SDK == "" && release.MatchString(a.Version):
		p.Version = a.Version
		return nil
	case p.SDK == "":
		return usagef("this zlayer (%s) is no release, so no SDK of its version is published: give --sdk DIR, the folder sdk of a checkout", a.Version)
	}
	abs, err := filepath.Abs(p.SDK)
	if err != nil {
		return err
	}
	mod, err := os.ReadFile(filepath.Join(abs, "go.mod"))
	if err != nil || !strings.HasPrefix(string(mod), "module github.com/zlayer/zlayer/sdk\n") {
		return usagef("--sdk: %s is not the folder sdk of a checkout of zlayer", p.SDK)
	}
	p.SDK, p.Version = abs, "v0.0.0"
	return nil
}
