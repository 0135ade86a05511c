// SPDX-License-Identifier: Apache-2.0

// Fuzz runs every fuzz target of the tree for a time, several at once, and
// prints a line for each: how much was tried, and how many inputs reached
// something new. A failure ends with where the input is and the command that
// runs it again.
//
// It finds the targets itself. Go ends an input that takes more than ten
// seconds; the memory of a process is limited here, so that one that takes too
// much is found as well.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// options say how to fuzz.
type options struct {
	time string
	tags string
	// work is the folder for test programs.
	work string
	// memory is how much a process may have, in KiB.
	memory int
}

func main() {
	var o options
	flag.StringVar(&o.time, "time", "60s", "how long each target runs, or how often as in 1000x")
	flag.StringVar(&o.tags, "tags", "", "build tags")
	flag.IntVar(&o.memory, "memory", 1<<20, "the memory of a process, in KiB")
	jobs := flag.Int("jobs", 2, "how many targets run at once")
	only := flag.String("run", "", "a regular expression of the targets to run, as folder.Name")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, o, *jobs, *only)
	if stop(); err != nil {
		fmt.Fprintln(os.Stderr, "fuzz:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, jobs int, only string) error {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	packages, err := find(".", pattern)
	if err != nil {
		return err
	}
	if len(packages) == 0 {
		return fmt.Errorf("no target matches %q", only)
	}
	if o.work, err = os.MkdirTemp("", "fuzz-"); err != nil {
		return err
	}
	defer os.RemoveAll(o.work)
	return o.all(ctx, packages, jobs)
}

// all fuzzes all targets, and says how many failed.
func (o options) all(ctx context.Context, packages []pkg, jobs int) error {
	start := time.Now()
	var mu sync.Mutex
	targets, failed := 0, 0
	var g errgroup.Group
	g.SetLimit(jobs)
	for i, p := range packages {
		built := sync.OnceValues(func() (string, error) { return o.build(ctx, p, i) })
		for _, target := range p.targets {
			g.Go(func() error {
				line, err := o.fuzz(ctx, p, target, built)
				mu.Lock()
				defer mu.Unlock()
				targets++
				if fmt.Fprintln(os.Stdout, line); err != nil {
					failed++
					fmt.Fprintln(os.Stdout, err)
				}
				return nil
			})
		}
	}
	_ = g.Wait() // which only counts
	fmt.Fprintf(os.Stdout, "%d targets, %d failed, in %s\n", targets, failed, time.Since(start).Round(time.Second))
	if failed > 0 {
		return fmt.Errorf("%d of %d targets failed", failed, targets)
	}
	return ctx.Err()
}

// pkg is a package with fuzz targets.
type pkg struct {
	dir     string
	targets []string
}

var declaration = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(\w+ \*testing\.F\)`)

// find lists the packages below a folder that have targets that match.
func find(root string, only *regexp.Regexp) ([]pkg, error) {
	var list []pkg
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "bin"):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		dir := filepath.Dir(path)
		for _, m := range declaration.FindAllSubmatch(text, -1) {
			if name := string(m[1]); only.MatchString(filepath.ToSlash(dir) + "." + name) {
				list = add(list, dir, name)
			}
		}
		return nil
	})
	return list, err
}

// add adds a target to the package of a folder, which is the last one or new.
func add(list []pkg, dir, target string) []pkg {
	if n := len(list); n > 0 && list[n-1].dir == dir {
		list[n-1].targets = append(list[n-1].targets, target)
		return list
	}
	return append(list, pkg{dir, []string{target}})
}
