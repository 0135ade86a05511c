// SPDX-License-Identifier: Apache-2.0

//go:build system && linux

package linux

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/driver"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/transfer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
	"golang.org/x/sys/unix"
)

// The links of /proc are the way to what process 1 has, which has the folders
// of the backend.
var intoProcessOne = []string{
	"/proc/1/root", "/proc/1/cwd", "/proc/1/task/1/root", "/proc/1/task/1/cwd", "/proc/thread-self/../1/root", "/proc/self/root", "/proc/self/cwd",
}

func TestWorkdirInProcessOne(t *testing.T) {
	r := newRig(t)
	r.root = r.chain(r.root, link("escape", "/proc/1/root"), link("to", "escape"))
	for _, dir := range append(intoProcessOne, "/escape", "/to", "/escape/tmp", "/to"+r.dir, "/proc/self/fd/3", "/dev/fd/4") {
		got, exit := r.fails(126, []string{"/bin/ls", "-la"}, in(dir))
		if !strings.Contains(exit.Reason, "working directory") || got.out != "" {
			t.Errorf("%s: %s\n%s", dir, exit.Reason, got.out)
		}
	}
	r.ok("pwd", in("/proc/sys"))
	r.nothingNew(t)
}

// nothingNew makes sure that the folders of the driver hold what they should.
func (r *rig) nothingNew(t testing.TB) {
	t.Helper()
	names, err := contents(r.dir)
	must(t, err)
	for _, name := range names {
		switch base := filepath.Base(name); {
		case base == "state", base == "layers", base == "made", base == "caches", strings.HasPrefix(base, "temp-"):
		default:
			t.Errorf("%s was made", name)
		}
	}
}

func TestMountTargetInProcessOne(t *testing.T) {
	r := newRig(t)
	hole := filepath.Join(r.dir, "hole")
	for _, target := range append(intoProcessOne, "/proc/1/root"+hole, "/proc/self/exe", "/proc", "/proc/sys/kernel", "/proc/version") {
		// As the target of a mount, and as that of a file that each command has.
		linked := r.root
		r.root = r.chain(linked, link("escape", target))
		got := r.run("ls -la /escape/ /escape/*", mounted(driver.Mount{Target: "/escape", Tmpfs: &driver.Tmpfs{}}))
		r.root = r.chain(linked, link("etc/hosts", target))
		hosts := r.run("cat /etc/hosts")
		r.root = linked
		var problem *transfer.Problem
		if !errors.As(got.failure, &problem) || !errors.As(hosts.failure, &problem) {
			t.Errorf("%s: %v, %v\n%s%s", target, got.failure, hosts.failure, got.out, hosts.out)
		}
	}
	r.nothingNew(t)
}

// Devices and what is not about processes in /proc are the machine's own. A
// command that is the machine's superuser owns them.
func TestModesOfTheMachine(t *testing.T) {
	if os.Geteuid() != 0 {
		return // a user cannot change them anyway
	}
	r := newRig(t)
	out := r.ok(`for f in /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty /proc/self/fd/0; do chmod 666 $f && echo changed $f; done
		for f in /proc/*; do case $f in */[0-9]*|*/self|*/thread-self|*/net|*/mounts) continue;; esac
			chmod "$(stat -c %a $f)" $f && echo changed $f; test -f $f || continue; (: 3>>$f) && echo opened $f; done
		chmod 444 /sys/devices/system/cpu/online && echo changed cpu
		stat -c %a /dev/null >/dev/stdout; echo x >/dev/null && echo written`)
	if out != "666\nwritten\n" {
		t.Errorf("output is %q", out)
	}
	if out := r.ok("chmod 600 /proc/1/comm 2>/dev/null; echo name >/proc/self/comm && echo 500 >/proc/self/oom_score_adj && echo fine"); out != "fine\n" {
		t.Errorf("output is %q", out)
	}
}

// A command can be a link to /proc/self/exe, and then be the program of the
// inner process, which its user may own: nobody can write to that program.
func TestOwnProgram(t *testing.T) {
	r := newRig(t)
	c := r.command([]string{"/bin/sh", "-c", "echo started; sleep 2"})
	seen := 0
	c.Output = func(bool, []byte) {
		for _, pid := range processes(t, innerName) {
			f, err := os.Open(fmt.Sprintf("/proc/%d/exe", pid))
			if err != nil {
				continue // of another test, and another user
			}
			defer f.Close()
			seals, err := unix.FcntlInt(f.Fd(), unix.F_GET_SEALS, 0)
			if err != nil || seals&unix.F_SEAL_WRITE == 0 {
				t.Errorf("the program of process %d has the seals %#x: %v", pid, seals, err)
			}
			seen++
		}
	}
	if _, err := r.driver.Run(t.Context(), c); err != nil || seen == 0 {
		t.Errorf("%d processes were seen: %v", seen, err)
	}
	r.root = r.chain(r.root, file("bin/script", 0o755, "#!/proc/self/exe\n"), link("bin/link", "/proc/self/exe"))
	for _, program := range []string{"/proc/self/exe", "script", "link"} {
		got := r.exec(t.Context(), []string{program}, func(c *driver.Command) { c.Exec.Env = append(c.Exec.Env, exitEnv+"=1") })
		if got.layer != nil {
			t.Errorf("%s: %v\n%s%s", program, got.failure, got.out, got.err)
		}
	}
}

// raw is a layer of a hostile tar, whose entries are in no order that a tool
// would write.
func (r *rig) raw(below driver.Chain, headers ...tar.Header) driver.Chain {
	r.t.Helper()
	chain, err := r.tryRaw(below, headers...)
	must(r.t, err)
	return chain
}

// tryRaw is raw for what may be no layer.
func (r *rig) tryRaw(below driver.Chain, headers ...tar.Header) (driver.Chain, error) {
	r.t.Helper()
	var data bytes.Buffer
	w := tar.NewWriter(&data)
	for _, h := range headers {
		h.ModTime = time.Unix(1, 0)
		must(r.t, w.WriteHeader(&h))
		_, err := w.Write(bytes.Repeat([]byte("x"), int(h.Size)))
		must(r.t, err)
	}
	must(r.t, w.Close())
	l, err := layer.Index(bytes.NewReader(data.Bytes()))
	if err != nil {
		return below, err
	}
	made := filepath.Join(r.dir, "layers")
	must(r.t, os.MkdirAll(made, 0o700))
	at := filepath.Join(made, "raw-"+strconv.Itoa(r.next()))
	must(r.t, os.WriteFile(at, data.Bytes(), 0o600))
	whole, err := below.Tree.Apply(l.Changes)
	return driver.Chain{Tree: whole, Layers: append(slices.Clone(below.Layers), layer.Source{Layer: l, Path: at})}, err
}

// A layer whose files on disk would be others than the index says could show a
// command the machine's folders as a bind mount.
func TestHostileLayers(t *testing.T) {
	r := newRig(t)
	up := strings.Repeat("../", 20)
	symlink := func(name, target string) tar.Header {
		return tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target, Mode: 0o777}
	}
	hard := func(name, target string) tar.Header {
		return tar.Header{Typeflag: tar.TypeLink, Name: name, Linkname: target}
	}
	folder := func(name string) tar.Header { return tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: 0o755} }
	file := func(name string) tar.Header {
		return tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: 1}
	}
	empty := driver.Chain{Tree: tree.Empty()}
	for name, c := range map[string]struct {
		chain driver.Chain
		path  string
	}{
		"a link to a link before a folder of its name": {r.raw(empty, symlink("s", up+r.dir[1:]), hard("x", "s"), folder("x"), folder("x/state"), file("x/state/own")), "x/state"},
		"a folder that was a link":                     {r.raw(r.raw(empty, symlink("x", up+r.dir[1:])), folder("x"), folder("x/state"), file("x/state/own")), "x/state"},
		"a folder that is hidden and made again":       {r.raw(r.raw(empty, symlink("x", up+r.dir[1:])), file(".wh.x"), file("x/state/own")), "x/state"},
		"a file below a link":                          {r.raw(r.raw(empty, symlink("x", "/y"), folder("y/state")), file("x/state/own")), "y/state"},
		"a link in place of a folder":                  {r.raw(r.raw(empty, folder("x/state")), symlink("x", "y"), file("x/state/own")), "y/state"},
	} {
		for _, m := range []driver.Mount{
			{Target: "/m", Tree: &driver.Subtree{Chain: c.chain, Path: c.path}},
			{Target: "/m", ReadOnly: true, Tree: &driver.Subtree{Chain: c.chain, Path: c.path}},
			{Target: "/m", Folder: &driver.Folder{Path: filepath.Join(r.dir, "caches", strconv.Itoa(r.next())), Seed: &driver.Subtree{Chain: c.chain, Path: c.path}}},
		} {
			for _, copies := range []bool{false, true} {
				got := r.run("touch /m/hole 2>/dev/null; cd /m && find . | grep -v hole", mounted(m), func(c *driver.Command) { c.Copy = copies })
				if got.failure != nil || got.out != ".\n./own\n" {
					t.Errorf("%s, copies %v: %v\n%s%s", name, copies, got.failure, got.out, got.err)
				}
			}
		}
	}
	r.nothingNew(t)
}
