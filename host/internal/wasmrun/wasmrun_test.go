// SPDX-License-Identifier: Apache-2.0

package wasmrun

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
	"github.com/zlayer/zlayer/sdk/manifest"
)

func open(t testing.TB, dir string, limits Limits) *Runner {
	t.Helper()
	r, err := Open(dir, limits)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// load loads a guest; it is compiled already when the test says so.
func load(t testing.TB, r *Runner, g guest, compiled bool) *Module {
	t.Helper()
	path, digest := save(t, g.bytes())
	if compiled {
		if err := r.Precompile(t.Context(), path, digest); err != nil {
			t.Fatal(err)
		}
	}
	m, err := r.Load(t.Context(), path, digest)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { <-m.compiled }) // it writes into the test's folder
	return m
}

var small = &frontendv1.ParseRequest{Name: "Dockerfile", Content: []byte("FROM x")}

func TestParse(t *testing.T) {
	for name, compiled := range map[string]bool{"compiled": true, "interpreted": false} {
		t.Run(name, func(t *testing.T) {
			m := load(t, open(t, t.TempDir(), Limits{}), answering(), compiled)
			for range 20 {
				res, err := m.Parse(t.Context(), small)
				if err != nil || !res.EqualVT(&frontendv1.ParseResponse{}) {
					t.Fatalf("got %v, %v", res, err)
				}
			}
			if len(m.idle) != 1 {
				t.Errorf("%d instances wait after calls one by one", len(m.idle))
			}
		})
	}
}

func TestParseConcurrently(t *testing.T) {
	m := load(t, open(t, t.TempDir(), Limits{}), answering(), true)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 10 {
				if _, err := m.Parse(t.Context(), small); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if n := len(m.idle); n > runtime.GOMAXPROCS(0) {
		t.Errorf("%d instances are kept", n)
	}
}

// hostile are modules that must fail, each for its reason, without harm.
var hostile = []struct {
	name   string
	guest  guest
	reason Reason
	stderr string
}{
	{"infinite loop", guest{start: loop()}, ReasonTimeout, ""},
	{"infinite loop after the request", answering(loop()), ReasonTimeout, ""},
	{"2⁶⁰ calls without a loop", guest{start: call(1), functions: doubling(60)}, ReasonTimeout, ""},
	{"a table of 1 GB", guest{tables: []byte{1, 0x70, 0, 1}, start: slices.Concat( // table.grow
		[]byte{0xd0, 0x70}, i32(1<<27-2), []byte{0xfc, 0x0f, 0}, trapIfRefused)}, ReasonTrap, ""},
	{"waits for ever", guest{imports: fdIO, start: loop(read(), untilEnd())}, ReasonTimeout, ""},
	{"deep recursion", guest{start: call(1), functions: [][]byte{call(1)}}, ReasonTrap, ""},
	{"4 GB at once", guest{start: slices.Concat(i32(65535), []byte{0x40, 0}, trapIfRefused)}, ReasonMemory, ""}, // memory.grow
	{"memory page by page", guest{start: loop(i32(1), []byte{0x40, 0}, trapIfRefused)}, ReasonMemory, ""},
	{"declares 4 GB", guest{pages: 65536}, ReasonMemory, ""},
	{"unreachable", guest{start: []byte{0}}, ReasonTrap, ""},
	{"last words, then a trap", guest{imports: fdIO, data: []byte("panic: oh no"),
		start: append(write(2, 4096, 12), 0)}, ReasonTrap, "panic: oh no"},
	{"access out of bounds", guest{start: append(i32(-8), 0x28, 2, 0, 0x1a)}, ReasonTrap, ""},
	{"exit 3", guest{imports: []imported{{wasi, "proc_exit", 1, false}}, start: append(i32(3), call(0)...)}, ReasonExit, ""},
	{"exit 0", guest{}, ReasonExit, ""},
	{"response of 1 GB", guest{imports: fdIO, data: []byte("\x80\x80\x80\x80\x04"),
		start: slices.Concat(read(), write(1, 4096, 5), loop())}, ReasonOutput, ""},
	{"endless response", guest{imports: fdIO, data: []byte{100},
		start: loop(write(1, 4096, 2048))}, ReasonProtocol, ""},
	{"endless length", guest{imports: fdIO, data: []byte(strings.Repeat("\xff", 64)),
		start: loop(write(1, 4096, 64))}, ReasonProtocol, ""},
	{"text on stdout", guest{imports: fdIO, data: []byte("hello, world\n"),
		start: append(read(), append(write(1, 4096, 13), loop()...)...)}, ReasonTimeout, ""},
	{"rubbish as response", guest{imports: fdIO, data: []byte("\x03\xff\xff\xff"),
		start: append(read(), write(1, 4096, 4)...)}, ReasonProtocol, ""},
	{"response to another request", guest{imports: fdIO, data: []byte("\x04\x08\x63\x12\x00"),
		start: append(read(), write(1, 4096, 5)...)}, ReasonProtocol, ""},
	{"two responses", guest{imports: fdIO, data: []byte(emptyResponse + emptyResponse),
		start: append(read(), append(copyID(), write(1, 4096, 10)...)...)}, ReasonProtocol, ""},
	{"endless stderr", guest{imports: fdIO, start: loop(write(2, 0, 65536))}, ReasonTimeout, ""},
	{"a failure of its own", guest{imports: fdIO, data: []byte("\x0a\x08\x01\x1a\x06\x08\x03\x12\x02no"),
		start: append(read(), write(1, 4096, 11)...)}, ReasonFrontend, ""},
}

// trapIfRefused is what follows a grow: i32.const -1, i32.eq, if, unreachable.
var trapIfRefused = append(i32(-1), 0x46, 0x04, 0x40, 0x00, 0x0b)

// doubling returns functions that each call the next one twice.
func doubling(n int) [][]byte {
	var all [][]byte
	for i := range n {
		all = append(all, append(call(byte(i+2)), call(byte(i+2))...))
	}
	return append(all, nil)
}

func TestHostileModules(t *testing.T) {
	for name, compiled := range map[string]bool{"compiled": true, "interpreted": false} {
		for _, tt := range hostile {
			t.Run(name+"/"+tt.name, func(t *testing.T) {
				// A generous time: only what never ends may reach it.
				limits := Limits{Time: 20 * time.Second, Memory: 16 << 20, Output: 1 << 20}
				if tt.reason == ReasonTimeout {
					limits.Time = 100 * time.Millisecond
				}
				r := open(t, t.TempDir(), limits)
				m := load(t, r, tt.guest, compiled)
				before := runtime.NumGoroutine()
				for range 2 { // and the next call gets a fresh instance
					_, err := m.Parse(t.Context(), small)
					var failed *Failed
					if !errors.As(err, &failed) || failed.Reason != tt.reason || failed.Message == "" {
						t.Fatalf("got %+v, want reason %s", err, tt.reason)
					}
					if !strings.Contains(failed.Stderr, tt.stderr) {
						t.Errorf("stderr is %q", failed.Stderr)
					}
				}
				settled(t, before)
				if len(m.idle) != 0 {
					t.Error("a broken instance is kept")
				}
			})
		}
	}
}

// settled fails when there are more goroutines than before.
func settled(t *testing.T, before int) {
	t.Helper()
	for range 200 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	b := make([]byte, 1<<20)
	t.Errorf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, b[:runtime.Stack(b, true)])
}

func TestACallerGivesUp(t *testing.T) {
	m := load(t, open(t, t.TempDir(), Limits{}), guest{start: loop()}, true)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	before := runtime.NumGoroutine()
	if _, err := m.Parse(ctx, small); err != context.Canceled {
		t.Fatalf("got %v", err)
	}
	settled(t, before)
}

func TestInputIsLimited(t *testing.T) {
	m := load(t, open(t, t.TempDir(), Limits{}), answering(), false)
	var failed *Failed
	_, err := m.Parse(t.Context(), &frontendv1.ParseRequest{Content: make([]byte, 4<<20+1)})
	if !errors.As(err, &failed) || failed.Reason != ReasonInput {
		t.Errorf("got %v", err)
	}
	_, err = m.Parse(t.Context(), &frontendv1.ParseRequest{Files: []*frontendv1.File{{Content: make([]byte, 65<<20)}}})
	if !errors.As(err, &failed) || failed.Reason != ReasonInput {
		t.Errorf("got %v", err)
	}
}

func TestLoadRefuses(t *testing.T) {
	for _, tt := range []struct{ name, module, want string }{
		{"empty", "", "not a WebAssembly module"},
		{"text", "#!/bin/sh\necho hello\n", "not a WebAssembly module"},
		{"a component", "\x00asm\x0d\x00\x01\x00", "it is a component"},
		{"truncated", string(answering().bytes()[:60]), "no frontend"},
		{"a foreign import", string(guest{imports: []imported{{"env", "system", 1, true}}}.bytes()), "env.system"},
		{"a socket", string(guest{imports: []imported{{wasi, "sock_open", 3, true}}}.bytes()), "sock_open"},
		{"a reactor", string(guest{noStart: true}.bytes()), "exports no _start"},
		{"a huge table", string(guest{tables: []byte{1, 0x70, 0, 0xff, 0xff, 0xff, 0x3f}}.bytes()), "tables"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := open(t, t.TempDir(), Limits{})
			path, digest := save(t, []byte(tt.module))
			_, err := r.Load(t.Context(), path, digest)
			var failed *Failed
			if !errors.As(err, &failed) || failed.Reason != ReasonModule || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Load: got %v, want %q", err, tt.want)
			}
			if err := r.Precompile(t.Context(), path, digest); err == nil {
				t.Error("compiled")
			}
		})
	}
	r := open(t, t.TempDir(), Limits{Module: 10})
	path, digest := save(t, answering().bytes())
	if _, err := r.Load(t.Context(), path, digest); err == nil {
		t.Error("a module over the limit was loaded")
	}
	if _, err := r.Load(t.Context(), path+".missing", digest); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestOneFlippedByteIsFound(t *testing.T) {
	module := answering().bytes()
	_, digest := save(t, module)
	module[len(module)-1] ^= 1
	path, _ := save(t, module)
	r := open(t, t.TempDir(), Limits{})
	var sum *manifest.ChecksumError
	if _, err := r.Load(t.Context(), path, digest); !errors.As(err, &sum) || sum.Want != digest || sum.Path != path {
		t.Fatalf("got %v", err)
	}
	if err := r.Precompile(t.Context(), path, digest); !errors.As(err, &sum) {
		t.Fatalf("got %v", err)
	}
	// Also when the right module is in the cache.
	module[len(module)-1] ^= 1
	right, _ := save(t, module)
	if err := r.Precompile(t.Context(), right, digest); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Load(t.Context(), path, digest); !errors.As(err, &sum) || sum.Path != path {
		t.Fatalf("with a cache: got %v", err)
	}
}

func TestCloseEndsEverything(t *testing.T) {
	before := runtime.NumGoroutine()
	r := open(t, t.TempDir(), Limits{})
	m := load(t, r, answering(), true)
	if _, err := m.Parse(t.Context(), small); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	settled(t, before)
	if _, err := m.Parse(t.Context(), small); err == nil {
		t.Error("a closed module parses")
	}
	if _, err := r.Load(t.Context(), "x", "y"); err == nil {
		t.Error("a closed runner loads")
	}
}

func TestCacheIsFilledAndUsed(t *testing.T) {
	dir := t.TempDir()
	path, digest := save(t, answering().bytes())
	r := open(t, dir, Limits{})
	m, err := r.Load(t.Context(), path, digest)
	if err != nil {
		t.Fatal(err)
	}
	<-m.compiled
	if !r.cache.has(digest) || m.failed != nil || r.Compiling() && m.machine == nil {
		t.Fatalf("the cache was not filled: %v", m.failed)
	}
	second := open(t, dir, Limits{})
	m, err = second.Load(t.Context(), path, digest)
	if err != nil || m.machine == nil || m.interpreted != nil {
		t.Fatalf("the cache was not used: %v", err)
	}
}

func TestADamagedCacheIsRepaired(t *testing.T) {
	dir := t.TempDir()
	path, digest := save(t, answering().bytes())
	if err := open(t, dir, Limits{}).Precompile(t.Context(), path, digest); err != nil {
		t.Fatal(err)
	}
	entries, err := filepath.Glob(filepath.Join(dir, "*", "*", "wazero-*", "*"))
	if err != nil || len(entries) != 1 {
		t.Fatalf("entries %v, %v", entries, err)
	}
	whole, err := os.ReadFile(entries[0])
	if err != nil {
		t.Fatal(err)
	}
	flipped := append([]byte(nil), whole...)
	flipped[len(flipped)/2] ^= 0x10
	for name, content := range map[string][]byte{"empty": {}, "truncated": whole[:len(whole)/2], "a flipped bit": flipped} {
		if err := os.WriteFile(entries[0], content, 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := open(t, dir, Limits{}).Load(t.Context(), path, digest)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := m.Parse(t.Context(), small); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
}

// A cache that cannot be filled is not the module's fault, which runs without.
func TestACacheThatCannotBeFilled(t *testing.T) {
	dir := t.TempDir()
	path, digest := save(t, answering().bytes())
	r := open(t, dir, Limits{})
	if err := os.WriteFile(r.cache.dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var full *CacheError
	if err := r.Precompile(t.Context(), path, digest); !errors.As(err, &full) {
		t.Errorf("compiling: %v", err)
	}
	m, err := r.Load(t.Context(), path, digest)
	if err != nil {
		t.Fatal(err)
	}
	<-m.compiled
	if m.machine == nil {
		t.Errorf("it is interpreted for ever: %v", m.failed)
	}
	if _, err := m.Parse(t.Context(), small); err != nil {
		t.Error(err)
	}
}

func TestACacheOthersCanWriteToIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, engineVersion()), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, engineVersion()), 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Limits{}); err == nil || !strings.Contains(err.Error(), "chmod 700") {
		t.Errorf("got %v", err)
	}
}

func TestWithoutACache(t *testing.T) {
	m := load(t, open(t, "", Limits{}), answering(), false)
	if _, err := m.Parse(t.Context(), small); err != nil {
		t.Fatal(err)
	}
	<-m.compiled
	if _, err := m.Parse(t.Context(), &frontendv1.ParseRequest{Content: make([]byte, 100)}); err != nil {
		t.Fatal(err)
	}
}

func TestManyProcessesCompileOnce(t *testing.T) {
	dir := t.TempDir()
	path, digest := save(t, answering().bytes())
	var wg sync.WaitGroup
	for range 4 {
		r := open(t, dir, Limits{}) // flock works between open files, hence here too
		wg.Go(func() {
			if err := r.Precompile(t.Context(), path, digest); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
