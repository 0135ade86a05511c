// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/buildctx"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/toolchain/place"
)

// lay copies the project: what its ignore file hides, and what links outside of
// it lead to, is not there then, and the project itself is never written to.
func (b *build) lay(ctx context.Context, project string) error {
	ignore, err := buildctx.NewIgnore(b.GetContexts()[0].GetIgnore())
	if err != nil {
		return fmt.Errorf("reading the ignore rules: %w", err)
	}
	c, err := buildctx.Open(project, buildctx.Options{Ignore: ignore})
	if err != nil {
		return backend.Sourcef(nil, "reading the project: %v", err)
	}
	defer c.Close()
	if err := os.Mkdir(b.dir, 0o700); err != nil {
		return err
	}
	err = c.Walk(".", func(e buildctx.Entry) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return layEntry(c, e, filepath.Join(b.dir, filepath.FromSlash(e.Path)))
	})
	if err != nil {
		return fmt.Errorf("copying the project: %w", err)
	}
	return b.check(project)
}

// layEntry copies a folder, a file, or the file that a link leads to.
func layEntry(c *buildctx.Context, e buildctx.Entry, target string) error {
	if e.Info.IsDir() {
		return os.MkdirAll(target, 0o700)
	}
	name, err := c.Resolve(e.Path)
	if err != nil {
		return nil // it leads nowhere
	}
	if info, err := c.Lstat(name); err != nil || !info.Mode().IsRegular() {
		return err
	}
	in, err := c.Open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(target, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err = io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}

var (
	comments = regexp.MustCompile(`//.*`)
	paths    = regexp.MustCompile(`(?m)(?:^|\s)"?(\.{0,2}/[^\s"]*)`)
)

// check refuses a folder that is no module, and a module that needs folders
// outside of it: nobody would know when they change.
func (b *build) check(project string) error {
	if _, err := os.Stat(filepath.Join(b.dir, "go.mod")); err != nil {
		return &backend.Failure{Kind: ofSource, Message: "the project has no go.mod file", Help: "run 'go mod init NAME' in it"}
	}
	var findings []*backendv1.Finding
	for _, name := range []string{"go.mod", "go.work"} {
		text, err := os.ReadFile(filepath.Join(b.dir, name))
		if err != nil {
			continue // there need be no go.work
		}
		text = comments.ReplaceAllFunc(text, func(c []byte) []byte { return bytes.Repeat([]byte(" "), len(c)) })
		for _, at := range paths.FindAllSubmatchIndex(text, -1) {
			path := string(text[at[2]:at[3]])
			if filepath.IsLocal(place.Relative(project, ".", path)) {
				continue
			}
			r := place.NewFile(name, text).Bytes(at[2], at[3])
			findings = append(findings, backend.At(name, diag.Error(r, "go-outside", path+" is outside of the project")))
		}
	}
	if _, err := os.Stat(filepath.Join(b.dir, "vendor", "modules.txt")); len(findings) == 0 || err == nil {
		return nil
	}
	return &backend.Failure{
		Kind: ofSource, Ref: b.step.Ref(), Message: "the project needs folders outside of it", Findings: findings,
		Help: "build the folder that holds them all, with a go.work file in it",
	}
}

// program chooses the package to build: the project's own folder, when it is a
// program, else the only one in cmd.
func (b *build) program(ctx context.Context) (string, error) {
	var lines []string
	args := []string{"list", "-e", "-find", "-f", "{{.Name}} {{.ImportPath}}", "."}
	if info, err := os.Stat(filepath.Join(b.dir, "cmd")); err == nil && info.Mode().Type() == fs.ModeDir {
		args = append(args, "./cmd/...")
	}
	err := b.run(ctx, func(line []byte) { lines = append(lines, strings.TrimSpace(string(line))) }, args...)
	if err != nil {
		return "", err
	}
	var programs []string
	for i, line := range lines {
		path, ok := strings.CutPrefix(line, "main ")
		if ok && i == 0 {
			return ".", nil
		}
		if ok {
			programs = append(programs, path)
		}
	}
	if len(programs) == 1 {
		return programs[0], nil
	}
	return "", &backend.Failure{
		Kind: ofSource, Ref: b.step.Ref(), Message: fmt.Sprintf("the project has %d programs in cmd and none in its own folder", len(programs)),
		Help: "put the program into the project's folder",
	}
}
