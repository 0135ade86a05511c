// SPDX-License-Identifier: Apache-2.0

package host

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// checkContexts refuses contexts that cannot be used, as far as this machine
// knows. A request need not have a main one before it is built.
func checkContexts(r Request) error {
	if r.Context != (Context{}) {
		if err := r.Context.Check(); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Contexts)) {
		if err := r.Contexts[name].check(fmt.Sprintf("build context %q", name)); err != nil {
			return err
		}
	}
	return nil
}

// Check refuses what cannot be the main context, as far as this machine knows.
// The error is an *InputError.
func (c Context) Check() error {
	if c.Image != "" || c.Layout != (Layout{}) {
		return &InputError{Message: fmt.Sprintf("the build context cannot be an image, as %s is", c), Help: "give it a name: --build-context NAME=" + c.String()}
	}
	return c.check("build context")
}

// check refuses a context that is malformed, or a folder that is none.
func (c Context) check(what string) error {
	switch {
	case c.Layout != Layout{}:
		return checkFolder(what, c.Layout.Path, "name the folder of an OCI image layout: "+layoutScheme+"://PATH[:TAG]")
	case c.Folder != "":
		return checkFolder(what, c.Folder, "give the folder that holds the files to build; a build file is named with --file")
	}
	return c.malformed()
}

// checkFolder refuses what is not a folder.
func checkFolder(what, dir, help string) error {
	info, err := os.Stat(dir)
	if err != nil {
		if repository, ok := strings.CutPrefix(dir, "github.com/"); ok {
			help = "for the repository write https://github.com/" + withGit(repository)
		}
		return &InputError{Message: fmt.Sprintf("the %s %s cannot be used", what, dir), Help: help, Err: cause(err)}
	}
	if !info.IsDir() {
		return &InputError{Message: fmt.Sprintf("the %s %s is not a folder", what, dir), Help: help}
	}
	return nil
}

// withGit ends the address of a repository with ".git", before any fragment.
func withGit(repository string) string {
	path, fragment, _ := strings.Cut(repository, "#")
	path = strings.TrimSuffix(path, ".git") + ".git"
	if fragment != "" {
		path += "#" + fragment
	}
	return path
}
