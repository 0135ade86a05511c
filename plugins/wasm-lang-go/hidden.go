// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/buildctx"
)

// hide has the go tool not see what the build context hides, nor links that
// lead out of it: an overlay says that these files are not there
// (go help build, -overlay).
func (b *build) hide() error {
	ignore, err := buildctx.NewIgnore(b.GetContexts()[0].GetIgnore())
	if err != nil {
		return fmt.Errorf("reading the ignore rules: %w", err)
	}
	hidden, err := hiddenIn(b.project, ignore)
	if err != nil {
		return backend.Sourcef(nil, "reading the project: %v", err)
	}
	if len(hidden) == 0 {
		return nil
	}
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	for _, name := range hidden {
		overlay.Replace[filepath.Join(b.project, name)] = ""
	}
	text, err := json.Marshal(overlay)
	if err != nil {
		return err
	}
	if err := os.WriteFile(b.hidden(), text, 0o600); err != nil {
		return fmt.Errorf("writing what is hidden: %w", err)
	}
	b.overlay = []string{"-overlay=" + b.hidden()}
	return nil
}

// hidden is the file that hide writes.
func (b *build) hidden() string { return filepath.Join(b.GetTempDir(), "hidden.json") }

// hiddenIn lists what of a project is hidden, relative to it. Of a folder that
// is hidden with all it holds, only the folder is listed. Git's own folder is
// none that the go tool looks into.
func hiddenIn(project string, ignore *buildctx.Ignore) (list []string, err error) {
	shown, err := shownIn(project, ignore)
	if err != nil {
		return nil, err
	}
	err = filepath.WalkDir(project, func(path string, d fs.DirEntry, err error) error {
		name, relErr := filepath.Rel(project, path)
		if err != nil || relErr != nil || name == "." {
			return err
		}
		if !shown[name] && d.Name() != ".git" {
			list = append(list, name)
		}
		if !shown[name] && d.IsDir() {
			return fs.SkipDir
		}
		return nil
	})
	return list, err
}

// shownIn are the files and folders that a context shows, by name.
func shownIn(project string, ignore *buildctx.Ignore) (map[string]bool, error) {
	c, err := buildctx.Open(project, buildctx.Options{Ignore: ignore})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	shown := map[string]bool{}
	err = c.Walk(".", func(e buildctx.Entry) error {
		shown[filepath.FromSlash(e.Path)] = e.Info.Mode()&fs.ModeSymlink == 0 || staysIn(c, e.Path)
		return nil
	})
	return shown, err
}

// staysIn reports whether a link leads the go tool to what it stands for in the
// context.
func staysIn(c *buildctx.Context, link string) bool {
	stands, err := c.Resolve(link)
	if err != nil {
		return false
	}
	leads, err := filepath.EvalSymlinks(filepath.Join(c.Dir(), filepath.FromSlash(link)))
	return err == nil && leads == filepath.Join(c.Dir(), filepath.FromSlash(stands))
}
