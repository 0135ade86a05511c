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
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zlayer/zlayer/conformance/vectors"
	"github.com/zlayer/zlayer/host"
)

var (
	backends   = flag.String("backends", "buildah-backend,sandbox-backend", "the two backends, comma-separated; they may be the same. sandbox-backend+copy is one whose RUNs have copies of their files")
	pluginDirs = flag.String("plugin-dirs", "", "folders of plugins beside bin/plugins, comma-separated")
	fill       = flag.Bool("fill", false, "write what a backend makes into vectors that have no @want; read it before you commit it")
)

// atOnce is how many vectors are built at the same time.
const atOnce = 2

// suite is what all cases share.
type suite struct {
	root      string
	who       string
	sides     [2]*side
	servers   *servers
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
	s.build(t, all)
	if s.ran < len(all) {
		return // only some were asked for
	}
	for _, line := range stale(s.tolerated) {
		t.Errorf("tolerated.txt:%d: nothing differs so: remove the line", line.line)
	}
}

// build builds vectors on both sides.
func (s *suite) build(t *testing.T, list []*vectors.Container) {
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
		s.sides[i].usable(t)
	}
	s.servers = serve(t, s.root)
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
	d, err := s.servers.lay(c, s.root)
	if err != nil {
		t.Fatal(err)
	}
	var out [2]*outcome
	refused := false
	for i, side := range s.sides {
		if out[i], err = side.run(t.Context(), d); err != nil {
			t.Errorf("%s: %v", side.name, err)
			continue
		}
		if s.who == withOneID && out[i].needsIDs() {
			refused = true
		} else {
			s.wanted(t, c, side, out[i])
		}
		s.mu.Lock()
		s.took[i] += out[i].took
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

// differences compares two outcomes.
func differences(a, b *outcome) []difference {
	if a.failure != nil || b.failure != nil {
		if reflect.DeepEqual(a.failure, b.failure) {
			return nil
		}
		return []difference{{"failure", "failure", describe(a.failure) + " " + a.message, describe(b.failure) + " " + b.message}}
	}
	return compare(built{a.image, a.began, a.ended}, built{b.image, b.began, b.ended})
}

// meets says whether a build failed as wanted. A wanted line 0 is any line.
func meets(got, want *vectors.Failure) bool {
	if got == nil || want == nil {
		return got == want
	}
	return got.Class == want.Class && got.Exit == want.Exit && (want.Line == 0 || got.Line == want.Line)
}

func describe(f *vectors.Failure) string {
	if f == nil {
		return "none"
	}
	return fmt.Sprintf("%s line %d exit %d", f.Class, f.Line, f.Exit)
}

// report fails the test for each difference that is not tolerated.
func (s *suite) report(t *testing.T, c *vectors.Container, all []difference) {
	for _, d := range intolerable(s.tolerated, c.Name, all) {
		t.Errorf("%s %s %s\n%20s: %s\n%20s: %s", c.Name, word(d.path), d.attribute, s.sides[0].name, d.a, s.sides[1].name, d.b)
	}
}

// wanted checks an outcome against the vector.
func (s *suite) wanted(t *testing.T, c *vectors.Container, side *side, o *outcome) {
	have, _ := c.File("@want")
	w := difference{path: side.name, attribute: "want", a: string(have)}
	switch {
	case !meets(o.failure, c.Fails):
		w.a, w.b = "failure "+describe(c.Fails), "failure "+describe(o.failure)+": "+o.message
	case o.failure != nil:
		return
	default:
		w.b = describeImage(s.servers.image, built{o.image, o.began, o.ended})
		w.b = strings.NewReplacer(s.servers.base, "$BASE", s.servers.files, "$FILES").Replace(w.b)
	}
	found := lineDiff(w.a, w.b)
	if found == "" {
		return
	}
	if _, ok := c.File("@want"); *fill && !ok && o.failure == nil {
		if err := fillWant(c, w.b); err != nil {
			t.Error(err)
		}
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(intolerable(s.tolerated, c.Name, []difference{w})) > 0 {
		t.Errorf("%s %s want\n%s", c.Name, side.name, found)
	}
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
