// SPDX-License-Identifier: Apache-2.0

//go:build system

package conformance_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/conformance"
	"github.com/zlayer/zlayer/conformance/suite"
	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// broken is a line of zoo/backend.txt: a fault, the good backend it is put
// into, the cases that are run, and the one that must find it.
type broken struct {
	fault, good string
	run         []string
	found       []string // any of them
}

// brokenBackends reads zoo/backend.txt.
func brokenBackends(t *testing.T) []broken {
	t.Helper()
	text, err := os.ReadFile("zoo/backend.txt")
	if err != nil {
		t.Fatal(err)
	}
	var list []broken
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "#" {
			continue
		}
		if len(words) != 4 {
			t.Fatalf("zoo/backend.txt: %q has not four words", line)
		}
		list = append(list, broken{words[0], words[1], strings.Split(words[2], ","), strings.Split(words[3], "|")})
	}
	return list
}

// TestBrokenBackends proves of each backend in the zoo that the first failure
// is the right one, and that what builds on it is blocked.
func TestBrokenBackends(t *testing.T) {
	zoo := filepath.Join(t.TempDir(), "zoo")
	if out, err := exec.Command("go", "build", "-o", zoo, "./zoo/backend").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cache := cacheDir(t)
	for _, b := range brokenBackends(t) {
		t.Run(b.fault, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), b.fault)
			if err := b.install(zoo, dir); err != nil {
				t.Fatal(err)
			}
			report, err := conformance.Run(t.Context(), conformance.Options{
				Plugin: dir, Bundle: bundle, Cache: cache, Environ: os.Environ(), Suite: suite.Options{Match: b.matches},
			})
			if err != nil {
				t.Fatal(err)
			}
			b.judge(t, report.Results)
		})
	}
}

// install makes the folder of a broken plugin: the good one's manifest, the
// proxy in place of its executable, and that executable as "good".
func (b broken) install(zoo, dir string) error {
	from := filepath.Join(bundle, b.good)
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"mv", filepath.Join(dir, b.good), filepath.Join(dir, "good")},
		{"cp", zoo, filepath.Join(dir, b.good)},
	} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w: %s", args, err, out)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "fault"), []byte(b.fault), 0o644); err != nil {
		return err
	}
	return b.list(dir)
}

// list completes the manifest.
func (b broken) list(dir string) error {
	path := filepath.Join(dir, manifest.FileName)
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	m, err := manifest.Parse(data)
	if err != nil {
		return err
	}
	m.ID = "zoo.example/" + b.fault
	for _, name := range []string{"good", "fault"} {
		m.Files = append(m.Files, manifest.File{Path: name})
	}
	if data, err = manifest.Format(m); err != nil {
		return err
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		return err
	}
	return host.Seal(dir)
}

// matches reports whether a case is run: the patterns are sections, or
// beginnings of names.
func (b broken) matches(name string) bool {
	return slices.ContainsFunc(b.run, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// judge compares the results with what must be found.
func (b broken) judge(t *testing.T, results []suite.Result) {
	t.Helper()
	i := slices.IndexFunc(results, func(r suite.Result) bool {
		return r.Status == suite.Failed || r.Status == suite.Warned
	})
	if i < 0 {
		t.Fatalf("nothing was found in %d cases", len(results))
	}
	first := results[i]
	if !slices.Contains(b.found, first.Name) {
		t.Errorf("the first failure is %s (%s), want %v: %+v", first.Name, first.Status, b.found, first.Problems)
	}
}
