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
	found       []string            // any of them
	after       map[string][]string // what each case builds on, itself
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
		list = append(list, broken{fault: words[0], good: words[1], run: strings.Split(words[2], ","), found: strings.Split(words[3], "|")})
	}
	return list
}

// TestBrokenBackends proves of each backend in the zoo that the first failure
// is the right one, and that what builds on it is blocked.
func TestBrokenBackends(t *testing.T) {
	zoo := zoo(t, "backend")
	cache := cacheDir(t)
	for _, b := range brokenBackends(t) {
		t.Run(b.fault, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), b.fault)
			if err := b.install(zoo, dir); err != nil {
				t.Fatal(err)
			}
			o := conformance.Options{Plugin: dir, Bundle: bundle, Cache: cache, Environ: os.Environ(), Suite: suite.Options{Match: b.matches}}
			cases, err := conformance.List(o)
			if err != nil {
				t.Fatal(err)
			}
			b.after = map[string][]string{}
			for _, c := range cases {
				b.after[c.Name] = c.After
			}
			report, err := conformance.Run(t.Context(), o)
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
	return host.Seal(dir, "")
}

// matches reports whether a case is run.
func (b broken) matches(name string) bool {
	return !slices.ContainsFunc(b.run, func(p string) bool { return p[0] == '-' && strings.HasPrefix(name, p[1:]) }) &&
		slices.ContainsFunc(b.run, func(p string) bool { return strings.HasPrefix(name, p) })
}

// judge compares the results with what must be found. What only SHOULD be, such
// as times on a busy machine, counts where it is what must be found.
func (b broken) judge(t *testing.T, results []suite.Result) {
	t.Helper()
	i := slices.IndexFunc(results, func(r suite.Result) bool {
		return r.Status == suite.Failed || r.Status == suite.Warned && slices.Contains(b.found, r.Name)
	})
	if i < 0 {
		t.Fatalf("nothing was found in %d cases", len(results))
	}
	first := results[i]
	if !slices.Contains(b.found, first.Name) {
		t.Errorf("the first failure is %s, want %v: %+v", first.Name, b.found, first.Problems)
	}
	for _, r := range results {
		if after := b.after[r.Name]; slices.Contains(after, first.Name) && first.Status == suite.Failed && r.Status != suite.Blocked {
			t.Errorf("%s builds on %s, and is %s", r.Name, first.Name, r.Status)
		}
	}
}
