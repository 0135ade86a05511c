// SPDX-License-Identifier: Apache-2.0

//go:build system || darwin

package macos

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/driver"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// standIn is a sandbox-exec that has no sandbox.
const standIn = "#!/bin/sh\n[ \"$1\" = -f ] || exit 65\ngrep -q '(deny default)' \"$2\" || exit 65\nshift 2\nexec \"$@\"\n"

// rig is a driver and what its command wrote.
type rig struct {
	*testing.T
	runner
	dir            string
	stdout, stderr bytes.Buffer
}

func newRig(t *testing.T) *rig {
	t.Helper()
	dir := tempDir(t)
	r := &rig{T: t, dir: dir, runner: runner{tool: filepath.Join(dir, "tool"), list: processes}}
	if err := os.WriteFile(r.tool, []byte(standIn), 0o700); err != nil {
		t.Fatal(err)
	}
	return r
}

// command is a shell command on an empty tree. The folders of dir are made.
func command(dir, script string) driver.Command {
	for _, name := range []string{"state/trees", "state/jobs/7"} {
		_ = os.MkdirAll(filepath.Join(dir, name), 0o700)
	}
	return driver.Command{
		Exec:  &irv1.Exec{Argv: []string{"/bin/sh", "-c", script}, Env: []string{"PATH=/usr/bin:/bin", "A=b"}, Workdir: "/"},
		Root:  driver.Chain{Tree: tree.Empty()},
		State: filepath.Join(dir, "state/trees"), Temp: filepath.Join(dir, "state/jobs/7"), Layer: filepath.Join(dir, "layer.tar"),
	}
}

// with is a command on a tree that has the files of a layer.
func (r *rig) with(script string, entries ...layer.Entry) driver.Command {
	r.Helper()
	c := command(r.dir, script)
	c.Output = func(stderr bool, data []byte) {
		if stderr {
			r.stderr.Write(data)
		} else {
			r.stdout.Write(data)
		}
	}
	if len(entries) == 0 {
		return c
	}
	path := filepath.Join(r.dir, "base.tar")
	f, err := os.Create(path)
	if err != nil {
		r.Fatal(err)
	}
	defer f.Close()
	l, err := layer.Write(f, entries)
	if err != nil {
		r.Fatal(err)
	}
	c.Root.Layers = []layer.Source{{Layer: l, Path: path}}
	if c.Root.Tree, err = tree.Empty().Apply(l.Changes); err != nil {
		r.Fatal(err)
	}
	return c
}

// ok runs a command that ends well, and returns the names it changed.
func (r *rig) ok(c driver.Command) []string {
	r.Helper()
	l, err := r.runner.Run(r.Context(), c)
	if err != nil {
		r.Fatalf("%v\n%s", err, r.stderr.String())
	}
	r.clean(c)
	var names []string
	if l != nil {
		for _, change := range l.Changes {
			names = append(names, strconv.Itoa(int(change.Op))+" "+change.Name)
		}
	}
	return names
}

// clean says that nothing of a command is left.
func (r *rig) clean(c driver.Command) {
	r.Helper()
	if n := running(r.T, c.Temp); n > 0 {
		r.Errorf("%d processes are left", n)
	}
	left, err := filepath.Glob(filepath.Join(c.Temp, "*"))
	if err != nil {
		r.Fatal(err)
	}
	for _, path := range left {
		if filepath.Base(path) != fileProfile {
			r.Errorf("%s is left", path)
		}
	}
}

func entry(name string, n *tree.Node, text string) layer.Entry {
	return layer.Entry{
		Change: tree.Change{Name: name, Node: n},
		Open:   func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil },
	}
}

func file(name, text string, mode uint32) layer.Entry {
	return entry(name, &tree.Node{Kind: tree.File, Mode: mode, Size: int64(len(text))}, text)
}

func folderAt(name string) layer.Entry {
	return entry(name, &tree.Node{Kind: tree.Dir, Mode: 0o755}, "")
}

func linkTo(name, target string) layer.Entry {
	return entry(name, &tree.Node{Kind: tree.Symlink, Mode: 0o777, Target: target}, "")
}

func TestRun(t *testing.T) {
	r := newRig(t)
	c := r.with(`pwd; echo "$A $ZLAYER_ROOT"; cat ../etc/motd; echo oops >&2; echo new > made; rm "$ZLAYER_ROOT/etc/motd"; test -d "$TMPDIR" && echo x > "$TMPDIR/x"`,
		folderAt("etc"), file("etc/motd", "hello\n", 0o644), folderAt("srv"), linkTo("app", "/srv"))
	c.Exec.Workdir = "/app"
	got := r.ok(c)
	if want := []string{"2 etc/motd", "0 srv/made"}; !slices.Equal(slices.DeleteFunc(got, func(s string) bool { return s == "0 ." || s == "0 etc" || s == "0 srv" }), want) {
		t.Errorf("changes %q, want %q", got, want)
	}
	root := filepath.Join(c.Temp, dirRoot)
	out := strings.Split(r.stdout.String(), "\n")
	if len(out) < 3 || !strings.HasPrefix(out[0], root) || !strings.HasSuffix(out[0], "/srv") || out[1] != "b "+strings.TrimSuffix(out[0], "/srv") || out[2] != "hello" {
		t.Errorf("it wrote %q", r.stdout.String())
	}
	if r.stderr.String() != "oops\n" {
		t.Errorf("on stderr %q", r.stderr.String())
	}
}

func TestRunMore(t *testing.T) {
	t.Run("nothing changed", func(t *testing.T) {
		r := newRig(t)
		if got := r.ok(r.with("true")); got != nil {
			t.Errorf("got %q", got)
		}
	})
	t.Run("a missing working directory is made", func(t *testing.T) {
		r := newRig(t)
		c := r.with("pwd > here")
		c.Exec.Workdir = "/a/b"
		if got := r.ok(c); !slices.Contains(got, "0 a/b/here") {
			t.Errorf("got %q", got)
		}
	})
	t.Run("a script", func(t *testing.T) {
		r := newRig(t)
		c := r.with("")
		c.Exec.Argv, c.Exec.Script = []string{"/run/heredoc/EOF", "arg"}, []byte("#!/bin/sh -e\nprintf %s \"$1\" > out\n")
		if got := r.ok(c); !slices.Contains(got, "0 out") || slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, "EOF") }) {
			t.Errorf("got %q", got)
		}
	})
	t.Run("a file of the image", func(t *testing.T) {
		r := newRig(t)
		c := r.with("", folderAt("bin"), file("bin/tool", "#!/bin/sh\n: > made\n", 0o755))
		c.Exec.Argv = []string{"./bin/tool"}
		if got := r.ok(c); !slices.Contains(got, "0 made") {
			t.Errorf("got %q", got)
		}
	})
	t.Run("the build's own TMPDIR", func(t *testing.T) {
		r := newRig(t)
		c := r.with(`test "$TMPDIR" = /mine`)
		c.Exec.Env = append(c.Exec.Env, "TMPDIR=/mine")
		r.ok(c)
	})
}

func TestRunFails(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*driver.Command)
		code   int
		want   string
	}{
		{"a code", func(c *driver.Command) { c.Exec.Argv[2] = "exit 7" }, 7, "exit code 7"},
		{"a signal", func(c *driver.Command) { c.Exec.Argv[2] = "kill -TERM $$" }, 128 + 15, "ended by signal 15"},
		{"no such command", func(c *driver.Command) { c.Exec.Argv = []string{"nosuch"} }, 127, `"nosuch" is in no folder of PATH on this machine (/usr/bin:/bin)`},
		{"a path of the image", func(c *driver.Command) { c.Exec.Argv = []string{"/zlayer-test/tool"} }, 127, "does not exist on this machine; the image's is ./zlayer-test/tool"},
		{"a path of nobody", func(c *driver.Command) { c.Exec.Argv = []string{"/zlayer-test/none"} }, 127, `"/zlayer-test/none" does not exist on this machine`},
		{"a folder", func(c *driver.Command) { c.Exec.Argv = []string{"/usr"} }, 126, "cannot be executed"},
		{"an option", func(c *driver.Command) { c.Exec.Argv = []string{"-p", "(allow default)"} }, 126, "begins like an option"},
		{"nothing", func(c *driver.Command) { c.Exec.Argv = nil }, 0, "the command is empty"},
		{"another user", func(c *driver.Command) { c.UID, c.Exec.User = 7, "ada" }, 0, `the user "ada"`},
		{"a mount", func(c *driver.Command) { c.Mounts = []driver.Mount{{Target: "/m", Tmpfs: &driver.Tmpfs{}}} }, 0, `the mount on "/m"`},
		{"a variable that does not arrive", func(c *driver.Command) { c.Exec.Env = []string{"DYLD_LIBRARY_PATH=/x"} }, 0, "DYLD_LIBRARY_PATH"},
		{"the name of the root is taken", func(c *driver.Command) { c.Exec.Env = []string{"ZLAYER_ROOT=/x"} }, 0, "ZLAYER_ROOT is zlayer's own"},
		{"a working directory that is a file", func(c *driver.Command) { c.Exec.Workdir = "/zlayer-test/tool" }, 0, "working directory"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t)
			c := r.with("", folderAt("zlayer-test"), file("zlayer-test/tool", "x", 0o755))
			test.change(&c)
			l, err := r.runner.Run(t.Context(), c)
			if l != nil || err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, %v", l, err)
			}
			var exit *driver.ExitError
			if errors.As(err, &exit) != (test.code != 0) || (exit != nil && exit.Code != test.code) {
				t.Errorf("got %#v", err)
			}
			r.clean(c)
		})
	}
}
