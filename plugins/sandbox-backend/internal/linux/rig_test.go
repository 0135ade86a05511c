// SPDX-License-Identifier: Apache-2.0

//go:build system && linux

package linux

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/driver"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

func TestMain(m *testing.M) {
	if os.Getenv(exitEnv) != "" {
		os.Exit(0)
	}
	Main()
	code := m.Run()
	if path, err := buildTester(); err == nil && os.Getenv(testerEnv) == "" {
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// rig is the driver on test, with folders of its own and an image of busybox.
type rig struct {
	t      testing.TB
	dir    string
	driver driver.Driver
	root   driver.Chain
	runs   int
}

func newRig(t testing.TB) *rig {
	t.Helper()
	dir, err := os.MkdirTemp("", "sandbox")
	must(t, err)
	t.Cleanup(func() {
		must(t, New().Recover(context.Background(), dir))
		must(t, os.Remove(dir))
	})
	return newRigIn(t, dir)
}

// newRigIn is newRig with a folder that stays.
func newRigIn(t testing.TB, dir string) *rig {
	t.Helper()
	r := &rig{t: t, dir: dir, driver: New()}
	r.root = r.chain(driver.Chain{Tree: tree.Empty()}, r.image()...)
	return r
}

var epoch = time.Unix(1_000_000_000, 0).UTC()

// image is a small image: busybox, two users, a few files, and the tester.
func (r *rig) image() []layer.Entry {
	all := []layer.Entry{
		dir("bin", 0o755), dir("etc", 0o755), dir("tmp", 0o1777), dir("home", 0o755), dir("srv", 0o755),
		fromDisk("bin/busybox", "/bin/busybox"), fromDisk("bin/tester", tester(r.t)),
		file("etc/passwd", 0o644, "root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n"),
		file("etc/shadow", 0o600, "the image's own\n"),
		file("srv/file", 0o644, "content\n"),
	}
	for name := range strings.FieldsSeq("sh echo cat ls true false sleep mkdir rm rmdir touch id ps kill ln chmod chown mount umount stat hostname nc wc grep head test date mknod chroot sysctl env df ip find cp mv dd unshare tty readlink pwd nproc ulimit sync setsid seq") {
		all = append(all, layer.Entry{Change: tree.Change{Name: "bin/" + name, Node: &tree.Node{Kind: tree.Symlink, Mode: 0o777, Target: "busybox", ModTime: epoch}}})
	}
	return all
}

func dir(name string, mode uint32) layer.Entry {
	return layer.Entry{Change: tree.Change{Name: name, Node: &tree.Node{Kind: tree.Dir, Mode: mode, ModTime: epoch}}}
}

func file(name string, mode uint32, content string) layer.Entry {
	n := &tree.Node{Kind: tree.File, Mode: mode, ModTime: epoch, Size: int64(len(content))}
	return layer.Entry{Change: tree.Change{Name: name, Node: n}, Open: func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(content)), nil
	}}
}

func fromDisk(name, file string) layer.Entry {
	info, err := os.Stat(file)
	if err != nil {
		panic(err)
	}
	n := &tree.Node{Kind: tree.File, Mode: 0o755, ModTime: epoch, Size: info.Size()}
	return layer.Entry{Change: tree.Change{Name: name, Node: n}, Open: func() (io.ReadCloser, error) { return os.Open(file) }}
}

// chain puts a layer onto a chain.
func (r *rig) chain(below driver.Chain, entries ...layer.Entry) driver.Chain {
	r.t.Helper()
	made := filepath.Join(r.dir, "layers")
	must(r.t, os.MkdirAll(made, 0o700))
	at := filepath.Join(made, fmt.Sprintf("layer-%d.tar", r.next()))
	f, err := os.Create(at)
	must(r.t, err)
	defer f.Close()
	l, err := layer.Write(f, entries)
	must(r.t, err)
	return r.on(below, at, l)
}

// on puts a written layer onto a chain.
func (r *rig) on(below driver.Chain, file string, l *layer.Layer) driver.Chain {
	r.t.Helper()
	t, err := below.Tree.Apply(l.Changes)
	must(r.t, err)
	return driver.Chain{Tree: t, Layers: append(slices.Clone(below.Layers), layer.Source{Layer: l, Path: file})}
}

func (r *rig) next() int {
	r.runs++
	return r.runs
}

// ran is what became of a command.
type ran struct {
	layer    *layer.Layer
	file     string
	out, err string
	failure  error
}

// with changes a command.
type with func(*driver.Command)

// run runs a shell command.
func (r *rig) run(script string, changes ...with) ran {
	r.t.Helper()
	return r.exec(context.Background(), []string{"/bin/sh", "-c", script}, changes...)
}

func (r *rig) command(argv []string, changes ...with) driver.Command {
	r.t.Helper()
	temp := filepath.Join(r.dir, fmt.Sprintf("temp-%d", r.next()))
	must(r.t, os.Mkdir(temp, 0o700))
	made := filepath.Join(r.dir, "made")
	must(r.t, os.MkdirAll(made, 0o700))
	c := driver.Command{
		Exec:  &irv1.Exec{Argv: argv, Env: []string{"PATH=/bin", "HOME=/"}, Workdir: "/"},
		Root:  r.root,
		State: filepath.Join(r.dir, "state"), Temp: temp, Layer: filepath.Join(made, fmt.Sprintf("made-%d.tar", r.runs)),
	}
	for _, change := range changes {
		change(&c)
	}
	return c
}

func (r *rig) exec(ctx context.Context, argv []string, changes ...with) ran {
	r.t.Helper()
	c := r.command(argv, changes...)
	var out, stderr bytes.Buffer
	var one sync.Mutex
	c.Output = func(isErr bool, data []byte) {
		one.Lock()
		defer one.Unlock()
		if isErr {
			stderr.Write(data)
		} else {
			out.Write(data)
		}
	}
	l, err := r.driver.Run(ctx, c)
	if names, _ := contents(c.Temp); len(names) > 0 && !onlyEmpty(names) {
		r.t.Errorf("left in the temporary folder: %q", names)
	}
	return ran{l, c.Layer, out.String(), stderr.String(), err}
}

// onlyEmpty says whether all are empty folders.
func onlyEmpty(names []string) bool {
	return !slices.ContainsFunc(names, func(name string) bool {
		below, err := contents(name)
		return err != nil || len(below) > 0
	})
}

// ok runs a shell command that must end well and returns its output.
func (r *rig) ok(script string, changes ...with) string {
	r.t.Helper()
	got := r.run(script, changes...)
	if got.failure != nil {
		r.t.Fatalf("%s: %v\n%s%s", script, got.failure, got.out, got.err)
	}
	return got.out
}

// want compares the changes of a layer: "name", "name/" for a folder,
// "-name" for one that is gone.
func (got ran) want(t testing.TB, names ...string) {
	t.Helper()
	if got.failure != nil {
		t.Fatalf("%v\n%s%s", got.failure, got.out, got.err)
	}
	var have []string
	if got.layer != nil {
		for _, c := range got.layer.Changes {
			have = append(have, show(c))
		}
	}
	if !slices.Equal(have, names) {
		t.Errorf("changes are %q, want %q", have, names)
	}
}

func show(c tree.Change) string {
	switch {
	case c.Op == tree.Remove:
		return "-" + c.Name
	case c.Op == tree.Put && c.Node.Kind == tree.Dir:
		return path.Clean(c.Name) + "/"
	}
	return c.Name
}

// fails runs a shell command that must fail with an exit code.
func (r *rig) fails(code int, argv []string, changes ...with) (ran, *driver.ExitError) {
	r.t.Helper()
	got := r.exec(context.Background(), argv, changes...)
	var exit *driver.ExitError
	if !errors.As(got.failure, &exit) || exit.Code != code {
		r.t.Fatalf("%q: error is %v, want exit code %d\n%s%s", argv, got.failure, code, got.out, got.err)
	}
	return got, exit
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
