// SPDX-License-Identifier: Apache-2.0

//go:build system

// Package differential_test builds every vector of conformance/vectors on both
// container backends and compares the images attribute by attribute, with each
// other and with what the vector wants.
package differential_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zlayer/zlayer/conformance/internal/build"
	"github.com/zlayer/zlayer/conformance/internal/image"
	"github.com/zlayer/zlayer/conformance/internal/serve"
	"github.com/zlayer/zlayer/conformance/vectors"
	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/host/plugins"
)

var (
	backends   = flag.String("backends", "buildah-backend,sandbox-backend", "the two backends, comma-separated; they may be the same. sandbox-backend+copy is one whose RUNs have copies of their files")
	pluginDirs = flag.String("plugin-dirs", "", "folders of plugins beside bin/plugins, comma-separated")
	fill       = flag.Bool("fill", false, "write what a backend makes into vectors that have no @want; read it before you commit it")
)

// atOnce is how many vectors are built at the same time.
const atOnce = 2

// side is one of the two that build everything.
type side struct {
	name    string // how messages call it
	backend string
	host    *host.Host
}

// suite is what all cases share.
type suite struct {
	root      string
	reader    image.Reader
	base      *image.Image
	who       string
	sides     [2]*side
	servers   *serve.Servers
	slots     chan struct{}
	mu        sync.Mutex
	tolerated []*tolerance
	ran       int
	refused   []string // what a user with one id cannot have
	took      [2]time.Duration
}

func TestDifferential(t *testing.T) {
	who := asRoot
	if os.Geteuid() != 0 {
		who = asUser
	}
	first, second, _ := strings.Cut(*backends, ",")
	if second == first {
		second += again
	}
	s := newSuite(t, who, first, second)
	all, err := vectors.Containers()
	if err != nil {
		t.Fatal(err)
	}
	s.buildAll(t, all)
	if s.ran < len(all) {
		return // only some were asked for
	}
	for _, line := range stale(s.tolerated) {
		t.Errorf("tolerated.txt:%d: nothing differs so: remove the line", line.line)
	}
}

// buildAll builds vectors on both sides.
func (s *suite) buildAll(t *testing.T, list []*vectors.Container) {
	t.Run("vectors", func(t *testing.T) {
		for _, c := range list {
			t.Run(c.Name, func(t *testing.T) {
				t.Parallel()
				s.slots <- struct{}{}
				defer func() { <-s.slots }()
				s.check(t, c)
			})
		}
	})
	t.Logf("%d vectors; %d differences tolerated; %s: %v, %s: %v", s.ran, len(s.tolerated),
		s.sides[0].name, s.took[0].Round(time.Millisecond), s.sides[1].name, s.took[1].Round(time.Millisecond))
}

// newSuite has two sides, by their names.
func newSuite(t *testing.T, who string, sides ...string) *suite {
	t.Helper()
	// Not t.TempDir: the names of tests would make paths long, and a plain
	// user's builds leave files of subordinate ids to root.
	root, err := os.MkdirTemp("", "differential")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(root); err != nil && os.Geteuid() == 0 {
			t.Error(err)
		}
	})
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("tolerated.txt")
	if err != nil {
		t.Fatal(err)
	}
	s := &suite{root: filepath.Join(root, "v"), who: who, slots: make(chan struct{}, atOnce)}
	if s.tolerated, err = parseTolerated(string(text), who); err != nil {
		t.Fatal("tolerated.txt: ", err)
	}
	if err := os.Mkdir(s.root, 0o755); err != nil {
		t.Fatal(err)
	}
	for i, name := range sides {
		s.sides[i] = newSide(t, name, filepath.Join(root, "state-"+strconv.Itoa(i)))
	}
	if s.servers, err = serve.Start(s.root); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.servers.Close)
	if s.base, err = s.reader.Image(s.servers.Image); err != nil {
		t.Fatal(err)
	}
	return s
}

// What can follow the id of a backend in the name of a side.
const (
	again  = "+again"
	copies = "+copy"
)

// newSide opens a host with a state folder of its own.
func newSide(t *testing.T, name, state string) *side {
	t.Helper()
	bundle, err := filepath.Abs("../../bin/plugins")
	if err != nil {
		t.Fatal(err)
	}
	backend, how, _ := strings.Cut(name, "+")
	config := host.Config{DataDir: state, BundleDir: bundle, Environ: os.Environ()}
	if "+"+how == copies {
		config.Environ = append(config.Environ, "SANDBOX_BACKEND_FILES=copy")
	}
	if *pluginDirs != "" {
		config.PluginDirs = strings.Split(*pluginDirs, ",")
	}
	usable(t, config, backend)
	h, err := host.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := h.Compile(context.Background()); err != nil {
		t.Fatal("run make build first: ", err)
	}
	return &side{name, backend, h}
}

// check builds one vector on both sides.
func (s *suite) check(t *testing.T, c *vectors.Container) {
	var out [2]*build.Outcome
	refused := false
	for i, side := range s.sides {
		var err error
		if out[i], err = s.run(t.Context(), c, side); err != nil {
			t.Errorf("%s: %v", side.name, err)
			continue
		}
		if s.who == withOneID && needsIDs(out[i]) {
			refused = true
		} else {
			s.wanted(t, c, side, out[i])
		}
		s.mu.Lock()
		s.took[i] += out[i].Took
		s.mu.Unlock()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ran++
	if refused {
		s.refused = append(s.refused, c.Name)
	}
	if out[0] != nil && out[1] != nil {
		s.report(t, c, differences(out[0], out[1]))
	}
}

// run builds a vector on a side, in a folder that has the same name for all.
func (s *suite) run(ctx context.Context, c *vectors.Container, side *side) (*build.Outcome, error) {
	dir := filepath.Join(s.root, c.Name)
	if err := removeAll(dir); err != nil {
		return nil, err
	}
	l, err := build.Lay(c, s.servers, dir)
	if err != nil {
		return nil, err
	}
	r, err := l.Request(side.backend)
	if err != nil {
		return nil, err
	}
	return l.Build(ctx, side.host, r, &s.reader)
}

// removeAll removes a folder also when it has some that their owner cannot
// write to.
func removeAll(dir string) error {
	err := os.RemoveAll(dir)
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return os.Chmod(path, 0o700)
	})
	return errors.Join(err, os.RemoveAll(dir))
}

// differences compares two outcomes.
func differences(a, b *build.Outcome) []image.Difference {
	if a.Failure == nil && b.Failure == nil {
		return image.Compare(a.Image, b.Image)
	}
	if reflect.DeepEqual(a.Failure, b.Failure) {
		return nil
	}
	return []image.Difference{{Path: "failure", Attribute: "failure", A: describe(a), B: describe(b)}}
}

// describe writes how a build ended, for people.
func describe(o *build.Outcome) string {
	return build.Ending(o.Failure) + ": " + o.Message + "\n" + o.Output
}

// report fails the test for each difference that is not tolerated.
func (s *suite) report(t *testing.T, c *vectors.Container, all []image.Difference) {
	for _, d := range intolerable(s.tolerated, c.Name, all) {
		t.Errorf("%s %s %s\n%20s: %s\n%20s: %s", c.Name, image.Word(d.Path), d.Attribute, s.sides[0].name, d.A, s.sides[1].name, d.B)
	}
}

// wanted checks an outcome against the vector.
func (s *suite) wanted(t *testing.T, c *vectors.Container, side *side, o *build.Outcome) {
	found := ""
	if !o.Meets(c.Fails) {
		found = fmt.Sprintf("\twant %s\n\t got %s\n", build.Ending(c.Fails), describe(o))
	} else if o.Failure == nil {
		got := o.Describe(s.base, s.servers)
		want, filled := c.File("@want")
		if *fill && !filled {
			if err := fillWant(c, got); err != nil {
				t.Error(err)
			}
			return
		}
		missing, more := image.Diff(string(want), got)
		found = prefixed("\t got ", more) + prefixed("\twant ", missing)
	}
	if found == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(intolerable(s.tolerated, c.Name, []image.Difference{{Path: side.name, Attribute: "want"}})) > 0 {
		t.Errorf("%s %s want\n%s", c.Name, side.name, found)
	}
}

// prefixed puts a prefix before each line.
func prefixed(prefix, text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		out.WriteString(prefix + line)
	}
	return out.String()
}

// fillWant adds @want to a vector and its file.
func fillWant(c *vectors.Container, text string) error {
	c.Files = append(c.Files, vectors.File{Name: "@want", Data: []byte(text)})
	f, err := os.OpenFile(filepath.Join("..", "vectors", "container", c.Name+".txtar"), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString("-- @want --\n" + text)
	return errors.Join(err, f.Close())
}

// usable ends the test when there is no such backend.
func usable(t *testing.T, c host.Config, backend string) {
	t.Helper()
	m, err := plugins.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	list, err := m.List()
	if err != nil {
		t.Fatal(err)
	}
	problem := "there is none; run make build"
	for _, p := range list {
		if p.ID == backend && p.Problem == "" {
			return
		} else if p.ID == backend {
			problem = p.Problem
		}
	}
	t.Fatalf("%s: %s", backend, problem)
}
