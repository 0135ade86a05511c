// SPDX-License-Identifier: Apache-2.0

package toolchaintest

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/toolchain/shelf"
)

// Project writes files, text by slash-separated path, into a new folder and
// returns it.
func Project(t testing.TB, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for path, text := range files {
		path = filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// seen is what is on disk before a build.
type seen struct {
	project map[string]string // the mode and content of each file, by path
	shelf   []string          // the modules that are kept
}

// look sees what there is before a build.
func look(t testing.TB, start *backendv1.Start) seen {
	t.Helper()
	s := seen{project: map[string]string{}, shelf: names(t, shelf.Of(start.GetStateDir()).Dir)}
	for _, c := range start.GetContexts() {
		if err := s.read(c.GetPath()); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// read reads a folder of the project.
func (s *seen) read(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		var content string
		switch mode := info.Mode(); {
		case mode.IsRegular():
			var text []byte
			text, err = os.ReadFile(path)
			content = string(text)
		case mode&fs.ModeSymlink != 0:
			content, err = os.Readlink(path)
		}
		s.project[path] = fmt.Sprintf("%v\n%s", info.Mode(), content)
		return err
	})
}

// check fails the test for what a build that has ended should not have left.
func (s seen) check(t testing.TB, start *backendv1.Start, ok bool) {
	t.Helper()
	after := look(t, start)
	for path, text := range s.project {
		if got, there := after.project[path]; !there || got != text {
			t.Errorf("[B8] the build changed %s", path)
		}
		delete(after.project, path)
	}
	for _, path := range slices.Sorted(maps.Keys(after.project)) {
		t.Errorf("[B8] the build wrote %s", path)
	}
	if !ok && !slices.Equal(after.shelf, s.shelf) {
		t.Error("the build keeps a module although it failed")
	}
	for _, dir := range []string{filepath.Join(start.GetStateDir(), "jobs"), start.GetTempDir()} {
		for _, name := range names(t, dir) {
			t.Errorf("the build left %s behind", filepath.Join(dir, name))
		}
	}
}

// names lists a folder that need not be there.
func names(t testing.TB, dir string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}
