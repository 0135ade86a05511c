// SPDX-License-Identifier: Apache-2.0

//go:build system && linux

package linux

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/driver"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/transfer"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"golang.org/x/sys/unix"
)

// as runs a command as a user.
func as(uid, gid uint32, groups ...uint32) with {
	return func(c *driver.Command) { c.UID, c.GID, c.Groups = uid, gid, groups }
}

func offline(c *driver.Command) { c.Exec.Network = irv1.Network_NETWORK_NONE }

func in(dir string) with { return func(c *driver.Command) { c.Exec.Workdir = dir } }

func TestRun(t *testing.T) {
	r := newRig(t)
	if out := r.ok("echo hello; pwd; cat /srv/file; hostname; id -u"); out != "hello\n/\ncontent\nbuild\n0\n" {
		t.Errorf("output is %q", out)
	}
	r.run("true").want(t)
	r.run("echo x >/srv/new; rm /srv/file; mkdir /made").want(t, "made/", "srv/", "-srv/file", "srv/new")
}

// A layer can be run on, and so can what was made of it.
func TestLayersOfCommands(t *testing.T) {
	r := newRig(t)
	for i, script := range []string{"echo 1 >/one; rm /srv/file", "cat /one >/two; test ! -e /srv/file; mkdir /srv/file", "cat /two; rmdir /srv/file; rm /one"} {
		got := r.run(script)
		if got.failure != nil {
			t.Fatalf("%d: %v %s", i, got.failure, got.err)
		}
		r.root = r.on(r.root, got.file, got.layer)
	}
	if out := r.ok("ls /one /srv /two 2>&1; true"); !strings.Contains(out, "/one: No such file") || !strings.Contains(out, "/two") {
		t.Errorf("output is %q", out)
	}
}

func TestExact(t *testing.T) {
	r := newRig(t)
	env := func(c *driver.Command) { c.Exec.Env = []string{"PATH=/bin", "X=y\nz", "EMPTY="} }
	if got := r.exec(context.Background(), []string{"env"}, env); got.out != "PATH=/bin\nX=y\nz\nEMPTY=\n" {
		t.Errorf("environment is %q (%v)", got.out, got.failure)
	}
	// What is open in the backend, and inherited, does not reach the command.
	leak, err := unix.Open("/", unix.O_RDONLY|unix.O_DIRECTORY, 0)
	must(t, err)
	defer unix.Close(leak)
	argv := []string{"sh", "-c", `printf '%s|' "$0" "$@"; echo; pwd; umask; cat; ls /proc/self/fd`, "zero", "a b", `"'$X\`, ""}
	got := r.exec(context.Background(), argv, in("/tmp"))
	if want := "zero|a b|\"'$X\\||\n/tmp\n0022\n0\n1\n2\n3\n"; got.out != want { // 3 is the folder that ls reads
		t.Errorf("output is\n%s%s(%v), want\n%s", got.out, got.err, got.failure, want)
	}
}

func TestFailures(t *testing.T) {
	r := newRig(t)
	r.root = r.chain(r.root, file("bin/other-cpu", 0o755, "\x7fELF no program"), file("bin/no-interpreter", 0o755, "#!/no/such/shell\n"), file("bin/unreadable", 0o644, "x"))
	for _, c := range []struct {
		code   int
		reason string
		argv   []string
	}{
		{42, "", []string{"sh", "-c", "exit 42"}},
		{137, "", []string{"sh", "-c", "kill -9 $$"}},
		{143, "", []string{"sh", "-c", "kill $$"}},
		{139, "", []string{"sh", "-c", "kill -SEGV $$"}},
		{127, `"no-such-program" is not in the PATH of the image (/bin)`, []string{"no-such-program"}},
		{127, `"/no/such" does not exist`, []string{"/no/such"}},
		{127, "the interpreter or loader", []string{"/bin/no-interpreter"}},
		{126, "permission denied", []string{"/etc"}},
		{126, "permission denied", []string{"/bin/unreadable"}},
		{126, "permission denied", []string{"unreadable"}},
		{126, "exec format error", []string{"other-cpu"}},
	} {
		_, exit := r.fails(c.code, c.argv)
		if !strings.Contains(exit.Reason, c.reason) || (c.reason == "") != (exit.Reason == "") {
			t.Errorf("%q: reason is %q, want %q", c.argv, exit.Reason, c.reason)
		}
	}
}

func TestOutput(t *testing.T) {
	r := newRig(t)
	got := r.run("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; echo err >&2")
	if strings.Count(got.out, "\n") != 20000 || !strings.HasSuffix(got.out, "line 19999\n") || got.err != "err\n" {
		t.Errorf("output has %d lines, stderr is %q", strings.Count(got.out, "\n"), got.err)
	}
	if out := r.ok("echo through >/dev/stdout; echo again >/proc/self/fd/1"); out != "through\nagain\n" {
		t.Errorf("output is %q", out)
	}
}

// A daemon neither holds up the build nor outlives its command.
func TestDaemon(t *testing.T) {
	r := newRig(t)
	began := time.Now()
	got := r.run("trap '' TERM HUP; (while true; do sleep 1000; done) & (trap '' TERM; exec sleep 1000) & echo started")
	got.want(t)
	if got.out != "started\n" || time.Since(began) > 20*time.Second {
		t.Errorf("output is %q after %v", got.out, time.Since(began))
	}
}

func TestUsers(t *testing.T) {
	if oneID() {
		return // there are none
	}
	r := newRig(t)
	got := r.run("id; echo x >/tmp/mine; echo y >/dev/stdout; test ! -r /etc/shadow; ! touch /srv/x 2>/dev/null; grep Cap /proc/self/status; grep NoNewPrivs /proc/self/status", as(1000, 1001, 5, 6))
	got.want(t, "tmp/", "tmp/mine")
	if n := got.layer.Changes[1].Node; n.UID != 1000 || n.GID != 1001 {
		t.Errorf("the file is of %d:%d", n.UID, n.GID)
	}
	want := "uid=1000(user) gid=1001 groups=5,6,1001\ny\nCapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n" +
		"CapBnd:\t00000000a80425fb\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1\n"
	if got.out != want {
		t.Errorf("output is\n%s\nwant\n%s", got.out, want)
	}
	got = r.run("echo x >/f; chown 33:34 /f; chmod 4751 /f; chown 50 /srv/file")
	got.want(t, "f", "srv/", "srv/file")
	if n := got.layer.Changes[0].Node; n.UID != 33 || n.GID != 34 || n.Mode != 0o4751 {
		t.Errorf("the file is %+v", n)
	}
}

func TestScript(t *testing.T) {
	r := newRig(t)
	got := r.exec(context.Background(), []string{"/dev-free/script", "an argument"}, func(c *driver.Command) {
		c.Exec.Script = []byte("#!/bin/sh -e\necho \"$0 $1\"; stat -c %a $0 >/mode\n! echo x >>$0\n")
	})
	got.want(t, "mode")
	if got.out != "/dev-free/script an argument\n" {
		t.Errorf("output is %q", got.out)
	}
}

func TestWorkdir(t *testing.T) {
	r := newRig(t)
	got := r.run("pwd; stat -c '%a %u:%g' .", in("/new/dir"))
	got.want(t, "new/", "new/dir/")
	if got.out != "/new/dir\n755 0:0\n" {
		t.Errorf("output is %q", got.out)
	}
}

// What a command finds without having been given it is no change.
func TestFurniture(t *testing.T) {
	r := newRig(t)
	got := r.run(`ls /dev | tr '\n' ' '; echo; ls /sys /sys/devices/system; cat /etc/hosts | head -1; test -e /etc/resolv.conf; echo x >>/etc/resolv.conf
		echo x >/dev/null; echo x >/dev/shm/x; head -c 3 /dev/zero | wc -c; head -c 3 /dev/urandom | wc -c
		grep CapEff /proc/self/status; set -- /proc/[0-9]*; echo $#; stat -c %Y /etc /; test -c /dev/pts/ptmx`)
	got.want(t)
	lines := strings.Split(strings.TrimSpace(got.out), "\n")
	want := []string{"fd full null ptmx pts random shm stderr stdin stdout tty urandom zero ", "/sys:", "devices", "", "/sys/devices/system:", "cpu",
		"127.0.0.1\tlocalhost build", "3", "3", "CapEff:\t00000000a80425fb", "2", "1000000000"}
	for i := range want {
		if i >= len(lines) || lines[i] != want[i] {
			t.Fatalf("output is\n%s\nwant\n%s", got.out, strings.Join(want, "\n"))
		}
	}
}

func TestWorkdirIsFile(t *testing.T) {
	r := newRig(t)
	_, exit := r.fails(126, []string{"true"}, in("/srv/file/below"))
	if !strings.Contains(exit.Reason, `"/srv/file/below": `) {
		t.Errorf("reason is %q", exit.Reason)
	}
}

func TestNoOldWork(t *testing.T) {
	r := newRig(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if got := r.exec(ctx, []string{"true"}); !errors.Is(got.failure, context.Canceled) {
		t.Errorf("error is %v", got.failure)
	}
}

func TestRefused(t *testing.T) {
	r := newRig(t)
	for want, change := range map[string]with{
		"full privileges": func(c *driver.Command) { c.Exec.Security = irv1.Security_SECURITY_INSECURE },
		"devices":         func(c *driver.Command) { c.Exec.Devices = []*irv1.Device{{Name: "gpu"}} },
		"empty":           func(c *driver.Command) { c.Exec.Argv = nil },
		"/proc is the kernel's": func(c *driver.Command) {
			c.Mounts = []driver.Mount{{Target: "/proc/sys", Tmpfs: &driver.Tmpfs{}}}
		},
		"\"srv/file\" in the image is no folder": func(c *driver.Command) {
			c.Mounts = []driver.Mount{{Target: "/srv/file", Tmpfs: &driver.Tmpfs{}}}
		},
	} {
		got := r.run("echo ran", change)
		var problem *transfer.Problem
		if !errors.As(got.failure, &problem) || !strings.Contains(problem.Message, want) || got.out != "" {
			t.Errorf("want %q, error is %v", want, got.failure)
		}
	}
}

// TestImpossibleName makes a file that no image can hold.
func TestImpossibleName(t *testing.T) {
	got := newRig(t).run("touch /srv/.wh.file")
	var problem *transfer.Problem
	if !errors.As(got.failure, &problem) || !strings.Contains(problem.Message, `"/srv/.wh.file" cannot be in an image`) {
		t.Errorf("error is %v", got.failure)
	}
}

func TestTwoAtOnce(t *testing.T) {
	r := newRig(t)
	type done struct {
		got ran
		n   string
	}
	all := make(chan done)
	for _, n := range []string{"a", "b", "c"} {
		c := r.command([]string{"/bin/sh", "-c", "echo " + n + " >/" + n + "; sleep 0.2; ls / | grep -c '^[abc]$'"})
		go func() {
			var out strings.Builder
			c.Output = func(_ bool, data []byte) { out.Write(data) }
			l, err := r.driver.Run(context.Background(), c)
			all <- done{ran{layer: l, out: out.String(), failure: err}, n}
		}()
	}
	for range 3 {
		d := <-all
		d.got.want(t, d.n)
		if d.got.out != "1\n" {
			t.Errorf("output is %q", d.got.out)
		}
	}
}

func TestStateIsKept(t *testing.T) {
	r := newRig(t)
	r.ok("true")
	before, err := filepath.Glob(filepath.Join(r.dir, "state/*/*"))
	must(t, err)
	sweeper := r.driver.(driver.Sweeper)
	must(t, sweeper.Sweep(context.Background(), filepath.Join(r.dir, "state"), func(string) bool { return true }))
	after, err := filepath.Glob(filepath.Join(r.dir, "state/*/*"))
	must(t, err)
	if len(before) == 0 || len(after) == 0 {
		t.Errorf("unpacked layers are %q, after sweeping %q", before, after)
	}
	must(t, sweeper.Sweep(context.Background(), filepath.Join(r.dir, "state"), func(string) bool { return false }))
	found := 0
	filepath.WalkDir(filepath.Join(r.dir, "state"), func(p string, d os.DirEntry, err error) error {
		if err == nil && d.Name() == "busybox" {
			found++
		}
		return nil
	})
	if found > 0 {
		t.Error("a layer that nobody wants is still unpacked")
	}
	r.ok("true")
}
