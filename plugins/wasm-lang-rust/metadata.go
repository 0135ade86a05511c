// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/ir"
	"github.com/zlayer/zlayer/sdk/toolchain"
)

// metadata is what "cargo metadata" says that is used here.
type metadata struct {
	Packages       []cargoPackage
	Members        []string `json:"workspace_members"`
	DefaultMembers []string `json:"workspace_default_members"` // since cargo 1.71
}

// cargoPackage is a package of the project.
type cargoPackage struct {
	ID, Name   string
	DefaultRun string        `json:"default_run"`
	Targets    []cargoTarget `json:"targets"`
}

// cargoTarget is something that cargo can build from a package.
type cargoTarget struct {
	Name string
	Kind []string
}

// program is what is built.
type program struct {
	pkg  cargoPackage
	name string
}

// program chooses what is built: what the options say; else the default-run of
// the only package there is to choose from; else the only program.
func (b *build) program(ctx context.Context) (program, error) {
	m, err := b.metadata(ctx)
	if err != nil {
		return program{}, err
	}
	packages, err := b.packages(m)
	if err != nil {
		return program{}, err
	}
	wanted := toolchain.Option(b.Start, ir.WasmProgram)
	if wanted == "" && len(packages) == 1 {
		wanted = packages[0].DefaultRun
	}
	var all, found []program
	for _, p := range packages {
		for _, t := range p.Targets {
			if slices.Contains(t.Kind, "bin") {
				all = append(all, program{pkg: p, name: t.Name})
			}
		}
	}
	for _, p := range all {
		if wanted == "" || p.name == wanted {
			found = append(found, p)
		}
	}
	if len(found) != 1 {
		return program{}, b.noProgram(packages, all, found)
	}
	return found[0], nil
}

// packages are those there is to choose from: the one of the options, else the
// default members of the workspace, as for cargo build.
func (b *build) packages(m *metadata) (list []cargoPackage, err error) {
	name, chosen := toolchain.Option(b.Start, ir.WasmPackage), m.DefaultMembers
	if chosen == nil || name != "" {
		chosen = m.Members
	}
	var names []string
	for _, p := range m.Packages {
		if slices.Contains(chosen, p.ID) && (name == "" || p.Name == name) {
			list = append(list, p)
		}
		names = append(names, p.Name)
	}
	if len(list) > 0 {
		return list, nil
	}
	f := backend.Sourcef(b.step(stepMetadata).Ref(), "the project has no package %q", name)
	f.Help = "its packages are: " + strings.Join(names, ", ")
	if name == "" {
		f.Message, f.Help = "the workspace has no packages", "add some to the members of Cargo.toml"
	}
	return nil, f
}

// noProgram explains why there is nothing, or too much, to build.
func (b *build) noProgram(packages []cargoPackage, all, found []program) error {
	f := backend.Sourcef(b.step(stepMetadata).Ref(), "")
	switch wanted := toolchain.Option(b.Start, ir.WasmProgram); {
	case len(all) == 0:
		f.Message = "the project has no program, only " + librariesOf(packages)
		f.Help = "add a src/main.rs, or choose another package with package"
	case len(found) == 0:
		f.Message = fmt.Sprintf("the project has no program %q", wanted)
		f.Help = "its programs are: " + programNames(all)
	case wanted != "":
		f.Message = "several packages have a program " + wanted + ": " + programNames(found)
		f.Help = "choose one with package"
	default:
		f.Message = fmt.Sprintf("the project has %d programs: %s", len(found), programNames(found))
		f.Help = "choose one with program, and package where several have it, or with default-run in Cargo.toml"
	}
	return f
}

// librariesOf names the packages that have no program.
func librariesOf(packages []cargoPackage) string {
	var names []string
	for _, p := range packages {
		names = append(names, p.Name)
	}
	if len(names) == 1 {
		return "the library " + names[0]
	}
	return "libraries: " + strings.Join(names, ", ")
}

// programNames lists programs, with the package where that is another word.
func programNames(list []program) string {
	var names []string
	for _, p := range list {
		if p.name == p.pkg.Name {
			names = append(names, p.name)
		} else {
			names = append(names, fmt.Sprintf("%s (package %s)", p.name, p.pkg.Name))
		}
	}
	return strings.Join(names, ", ")
}

// metadata asks cargo about the project's packages. It resolves no
// dependencies, so it needs no network.
func (b *build) metadata(ctx context.Context) (*metadata, error) {
	var out []byte
	r := &report{project: b.project, step: b.step(stepMetadata)}
	c := b.cargo("metadata", "--no-deps", "--format-version=1")
	c.Stdout = func(line []byte) { out = append(out, line...) }
	c.Stderr = r.line
	if err := r.outcome(toolchain.Run(ctx, c)); err != nil {
		return nil, err
	}
	m := &metadata{}
	if err := json.Unmarshal(out, m); err != nil {
		return nil, fmt.Errorf("reading the output of cargo metadata: %w", err)
	}
	return m, nil
}
