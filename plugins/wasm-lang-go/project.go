// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/ir"
	"github.com/zlayer/zlayer/sdk/toolchain"
	"github.com/zlayer/zlayer/sdk/toolchain/place"
)

// checkProject refuses a folder that is no Go module, and a module that takes
// files from outside of it: the host could not know when they change.
func checkProject(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); errors.Is(err, fs.ErrNotExist) {
		f := backend.Sourcef(nil, "the project %s has no go.mod file", dir)
		f.Help = "run 'go mod init NAME' there, or build the folder that has a go.mod file"
		return f
	}
	findings, err := localPaths(dir)
	if err != nil || len(findings) == 0 {
		return err
	}
	f := backend.Sourcef(nil, "the project needs folders outside of its build context")
	f.Help = "build the folder that holds them all, with a go.work file in it, or vendor them: go mod vendor"
	f.Findings = findings
	return f
}

// localPaths looks at every go.mod of the project's workspace.
func localPaths(dir string) (outside []*backendv1.Finding, err error) {
	members, outside, err := pathsIn(dir, "go.work")
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(dir, "vendor", "modules.txt")); err == nil {
		return outside, nil // the go tool reads what is replaced from vendor
	}
	for _, member := range append([]string{"."}, members...) {
		_, more, err := pathsIn(dir, filepath.Join(member, "go.mod"))
		if err != nil {
			return nil, err
		}
		outside = append(outside, more...)
	}
	return outside, nil
}

// pathsIn returns the folders that a go.mod or go.work file names, relative to
// the project, and a finding for each outside of the project. In both files
// only a path starts with "." or "/" (go.dev/ref/mod, "Lexical elements").
func pathsIn(project, file string) (inside []string, outside []*backendv1.Finding, err error) {
	text, err := os.ReadFile(filepath.Join(project, file))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("reading the project: %w", err)
	}
	f := place.NewFile(filepath.ToSlash(file), text)
	for _, w := range words(text) {
		path := strings.Trim(w.text, "\"`")
		if !filepath.IsAbs(path) && !strings.HasPrefix(path, ".") {
			continue
		}
		if rel := place.Relative(project, filepath.Dir(file), path); filepath.IsLocal(rel) {
			inside = append(inside, rel)
			continue
		}
		d := diag.Error(f.Bytes(w.offset, w.offset+len(w.text)), "go-outside-context",
			fmt.Sprintf("%s is outside of the build context", path))
		outside = append(outside, backend.At(f.Name, d))
	}
	return inside, outside, nil
}

// word is a token of go.mod and its place in bytes.
type word struct {
	text   string
	offset int
}

// words cuts go.mod or go.work text into its words, without comments.
func words(text []byte) (list []word) {
	for at, rest := 0, text; len(rest) > 0; {
		line, after, _ := bytes.Cut(rest, []byte("\n"))
		code, _, _ := bytes.Cut(line, []byte("//"))
		for i := 0; i < len(code); {
			n := bytes.IndexAny(code[i:], " \t\r()")
			if n < 0 {
				n = len(code) - i
			}
			if n > 0 {
				list = append(list, word{string(code[i : i+n]), at + i})
			}
			i += n + 1
		}
		at += len(line) + 1
		rest = after
	}
	return list
}

// listed is a package as go list describes it.
type listed struct {
	Dir, Name string
	Error     *struct{ Pos, Err string }
	path      string // "." or "./cmd/NAME"
}

// mainPackage chooses what is built: the package of the options; else the one
// in the project's folder when it is a main package, else the only main package
// in a folder of cmd.
func (b *build) mainPackage(ctx context.Context) (string, error) {
	if chosen := toolchain.Option(b.Start, ir.WasmPackage); chosen != "" {
		return b.chosenPackage(ctx, "./"+path.Clean(chosen))
	}
	paths, err := candidates(b.project)
	if err != nil {
		return "", err
	}
	packages, err := b.list(ctx, paths)
	if err != nil {
		return "", err
	}
	var mains []string
	for _, p := range packages {
		if p.Name == "main" && p.path == "." {
			return ".", nil
		}
		if p.Name == "main" {
			mains = append(mains, p.path)
		}
	}
	if len(mains) == 1 {
		return mains[0], nil
	}
	if len(mains) > 1 {
		f := backend.Sourcef(b.step(stepList).Ref(), "the project has %d main packages: %s", len(mains), strings.Join(mains, ", "))
		f.Help = "choose one with package, or move it into the project's own folder"
		return "", f
	}
	f := b.noMain(packages, "the project has no main package in its own folder or in a folder of cmd")
	f.Help = "put the program's 'package main' there, or build the folder that has it"
	return "", f
}

// chosenPackage is the package in a folder of the project, if it is a program.
func (b *build) chosenPackage(ctx context.Context, dir string) (string, error) {
	packages, err := b.list(ctx, []string{dir})
	if err != nil {
		return "", err
	}
	if len(packages) == 1 && packages[0].Name == "main" {
		return dir, nil
	}
	f := b.noMain(packages, dir+" is not a main package")
	f.Help = "name the folder of a program, relative to the project, as in: package: ./cmd/app"
	return "", f
}

// noMain explains why there is nothing to build.
func (b *build) noMain(packages []listed, message string) *backend.Failure {
	var r report
	for _, p := range packages {
		if p.Error != nil && !strings.HasPrefix(p.Error.Err, "no Go files") {
			r.add([]byte(strings.TrimPrefix(p.Error.Pos+": "+p.Error.Err, ": ")))
		}
	}
	f := r.failure(b.project)()
	detail := f.Message
	f.Ref, f.Message = b.step(stepList).Ref(), message
	if len(r.problems) == 1 && len(f.Findings) == 0 {
		f.Message += ": " + detail
	}
	return f
}

// list asks go list about folders of the project. It resolves no imports, so it
// needs no network.
func (b *build) list(ctx context.Context, paths []string) ([]listed, error) {
	var out bytes.Buffer
	var r report
	c := b.command(slices.Concat([]string{"list", "-e", "-find", "-json=Dir,Name,Error"}, b.overlay, b.tags(), paths)...)
	c.Stdout = func(line []byte) { out.Write(line) }
	step := b.step(stepList)
	c.Stderr = r.also(step.Show(true))
	if err := step.Failed(toolchain.Run(ctx, c), r.failure(b.project)); err != nil {
		return nil, err
	}
	var list []listed
	for d := json.NewDecoder(&out); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return list, nil
		} else if err != nil {
			return nil, fmt.Errorf("reading the output of go list: %w", err)
		}
		if p.path = "."; p.Dir != b.project {
			p.path = "./cmd/" + filepath.Base(p.Dir)
		}
		list = append(list, p)
	}
}

// candidates returns the project's own folder and those in cmd.
func candidates(project string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(project, "cmd"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the project: %w", err)
	}
	paths := []string{"."}
	for _, e := range entries {
		if e.IsDir() && !slices.Contains([]byte("._"), e.Name()[0]) && e.Name() != "testdata" {
			paths = append(paths, "./cmd/"+e.Name())
		}
	}
	return paths, nil
}
