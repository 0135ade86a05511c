// SPDX-License-Identifier: Apache-2.0

//go:build system

package supervisor_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

func TestExecOnScratch(t *testing.T) {
	r := newRig(t)
	program, err := os.ReadFile("/bin/busybox")
	must(t, err)
	ctx := r.context(map[string]string{"busybox": string(program)})
	must(t, os.Chmod(filepath.Join(r.contexts[0].Path, "busybox"), 0o755))
	r.stage(scratch,
		copyTo(ctx, "/bin/", "busybox"),
		exec(run("/bin/busybox", "sh", "-c", "echo out; echo err >&2; echo text >/made; /bin/busybox ls -a / /etc")),
	)
	o, files := r.mustBuild()
	if got := o.stderr.String(); got != "err\n" {
		t.Errorf("stderr is %q", got)
	}
	if !strings.HasPrefix(o.stdout.String(), "out\n") {
		t.Errorf("stdout is %q", o.stdout.String())
	}
	// Nothing of /dev, /proc, /sys, /etc/hosts and /etc/resolv.conf is left.
	files.want(t,
		"5 0755 0:0 bin",
		"0 0755 0:0 bin/busybox",
		`0 0644 0:0 made "text\n"`,
	)
	if len(o.artifact.Blobs) != 2 || o.artifact.Blobs[1].Ref.Step != 1 {
		t.Errorf("blobs are %v", o.artifact.Blobs)
	}
}

func TestExecIsExact(t *testing.T) {
	r := newRig(t)
	step := run("sh", "-c", `printf '%s|' "$0" "$@"; echo; echo "$PWD"; id`, "zero", "a b", `"'$X\`, "")
	step.Env = []string{"PATH=/bin", "X=y\nz", "EMPTY=", "HOME=/h"}
	step.User, step.Workdir = "web", "/tmp"
	env := run("env")
	env.Env = step.Env
	r.stage(r.busybox(), exec(env), exec(step))
	o, _ := r.mustBuild()
	want := "PATH=/bin\nX=y\nz\nEMPTY=\nHOME=/h\n" + "zero|a b|\"'$X\\||\n" + "/tmp\nuid=33(web) gid=34(www) groups=34(www),50(extra)\n"
	if got := o.stdout.String(); got != want {
		t.Errorf("output is\n%s\nwant\n%s", got, want)
	}
}

func TestExecHomeOfUser(t *testing.T) {
	r := newRig(t)
	step := sh("echo $HOME")
	step.User = "33:50"
	r.stage(r.busybox(), exec(step), exec(sh("echo $HOME")))
	o, _ := r.mustBuild()
	if got := o.stdout.String(); got != "/srv\n/root\n" {
		t.Errorf("output is %q", got)
	}
}

func TestExecChanges(t *testing.T) {
	r := newRig(t)
	step := sh("echo hi >/home; rm /srv/owned; ln -s a /link; echo x >/one; ln /one /two; chown 33:34 /one; chmod 4751 /one; mkdir -p /d/e; umask")
	step.Workdir = "/new/dir"
	r.stage(r.busybox(), exec(step), exec(sh("true")))
	o, files := r.mustBuild()
	files.want(t,
		"5 0755 0:0 d",
		"5 0755 0:0 d/e",
		`0 0644 0:0 home "hi\n"`,
		"2 0777 0:0 link -> a",
		"5 0755 0:0 new",
		"5 0755 0:0 new/dir",
		`0 4751 33:34 one "x\n"`,
		"5 0755 0:0 srv",
		`0 0000 0:0 srv/.wh.owned ""`,
		"1 4751 33:34 two -> one",
	)
	if len(o.artifact.Blobs) != 1 {
		t.Errorf("a command that changes nothing made a layer: %v", o.artifact.Blobs)
	}
}

func TestExecFails(t *testing.T) {
	for name, c := range map[string]struct {
		argv    []string
		code    int
		message string
		stderr  string
	}{
		"exit":    {[]string{"sh", "-c", "echo why >&2; exit 42"}, 42, "exit code 42", "why\n"},
		"signal":  {[]string{"sh", "-c", "kill -9 $$"}, 137, "killed", ""},
		"missing": {[]string{"no-such-program"}, 127, "not found", ""},
		"folder":  {[]string{"/etc"}, 126, "permission denied", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.stage(r.busybox(), exec(sh("true")), exec(run(c.argv...)))
			o := r.build()
			var f *backend.Failure
			if !errors.As(o.err, &f) {
				t.Fatalf("error is %v", o.err)
			}
			if f.Kind != backendv1.FailureKind_FAILURE_KIND_SOURCE || f.ExitCode != c.code || f.Ref.GetStep() != 1 || !strings.Contains(f.Message, c.message) {
				t.Errorf("failure is %+v", f)
			}
			if got := o.stderr.String(); got != c.stderr {
				t.Errorf("stderr is %q", got)
			}
			r.wantNothingLeft()
		})
	}
}

func TestExecOutput(t *testing.T) {
	r := newRig(t)
	r.stage(r.busybox(), exec(sh("seq 60000; echo subprocess exited with status 1 >&2; seq 60000 >&2")))
	o, _ := r.mustBuild()
	if lines := strings.Count(o.stdout.String(), "\n"); lines != 60000 || !strings.HasSuffix(o.stdout.String(), "\n60000\n") {
		t.Errorf("stdout has %d lines", lines)
	}
	if lines := strings.Count(o.stderr.String(), "\n"); lines != 60001 || !strings.HasPrefix(o.stderr.String(), "subprocess exited with status 1\n1\n") {
		t.Errorf("stderr has %d lines", lines)
	}
}

func TestNetwork(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			io.WriteString(c, "from the machine\n")
			c.Close()
		}
	}()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	r := newRig(t)
	base := r.busybox()
	host := sh("nc 127.0.0.1 " + port + " </dev/null; cat /etc/hosts | head -1; test -e /etc/resolv.conf")
	host.Network = irv1.Network_NETWORK_HOST
	none := sh("ip -o link | wc -l; ip link show lo | grep -c UP; nc -w 1 127.0.0.1 " + port + " </dev/null && echo reached || echo alone")
	none.Network = irv1.Network_NETWORK_NONE
	r.stage(base, exec(host), exec(none))
	o, files := r.mustBuild()
	if got := o.stdout.String(); got != "from the machine\n127.0.0.1\tlocalhost build\n1\n1\nalone\n" {
		t.Errorf("output is %q", got)
	}
	files.want(t)
}

func TestScript(t *testing.T) {
	r := newRig(t)
	step := run("/dev-free/script", "an argument")
	step.Script = []byte("#!/bin/sh -e\necho \"$0 $1\"; stat -c %a $0 >/mode\n")
	r.stage(r.busybox(), exec(step))
	o, files := r.mustBuild()
	if got := o.stdout.String(); got != "/dev-free/script an argument\n" {
		t.Errorf("output is %q", got)
	}
	files.want(t, `0 0644 0:0 mode "755\n"`)
}

func with(e *irv1.Exec, mounts ...*irv1.ResolvedMount) *irv1.ResolvedStep {
	e.Mounts = append(e.Mounts, mounts...)
	return exec(e)
}

func TestBindMounts(t *testing.T) {
	r := newRig(t)
	base := r.busybox()
	plain := r.context(map[string]string{"d/f": "file\n", "link": "-> d/f"})
	hidden := r.context(map[string]string{"d/f": "file\n", "d/secret": "no", "d/sub/x": "no", "d/sub/keep": "yes\n"}, "**/secret", "d/sub", "!d/sub/keep")
	made := r.stage(base, exec(sh("mkdir /out; echo made >/out/f; chown 33:34 /out/f")))
	bind := func(from *irv1.Input, source, target string, ro bool) *irv1.ResolvedMount {
		return &irv1.ResolvedMount{Kind: irv1.MountKind_MOUNT_KIND_BIND, From: from, Source: source, Target: target, Readonly: ro}
	}
	r.stage(base,
		with(sh("cat /m/f; ! echo x >/m/new 2>/dev/null"), bind(plain, "d", "/m", true)),
		with(sh("cat /m/f; echo new >/m/f; cat /m/f; echo x >/m/new; ls /m"), bind(plain, "d", "/m", false)),
		with(sh("cat /file"), bind(plain, "link", "/file", true)),
		with(sh("cat /file; echo w >/file; cat /file"), bind(plain, "link", "/file", false)),
		with(sh("find . | sort"), bind(hidden, "d", "/m", true)),
		with(sh("stat -c %u:%g /m/f; cat /m/f; rm /m/f; ls /m"), bind(made, "out", "/m", false)),
		with(sh("cat /passwd | head -1"), bind(base, "etc/passwd", "/passwd", true)),
	)
	r.container.Stages[1].Steps[4].GetExec().Workdir = "/m"
	o, files := r.mustBuild()
	want := "file\n" + "file\nnew\nf\nnew\n" + "file\n" + "file\nw\n" + ".\n./f\n./sub\n./sub/keep\n" + "33:34\nmade\n" + "root:x:0:0:root:/root:/bin/sh\n"
	if got := o.stdout.String(); got != want {
		t.Errorf("output is\n%s\nwant\n%s", got, want)
	}
	files.want(t)
	if text, err := os.ReadFile(filepath.Join(r.contexts[0].Path, "d/f")); string(text) != "file\n" {
		t.Errorf("the context was changed: %q, %v", text, err)
	}
}

func TestCacheMounts(t *testing.T) {
	r := newRig(t)
	base := r.busybox()
	seed := r.stage(base, exec(sh("mkdir /seed; echo seeded >/seed/f")))
	cache := func(id string, sharing irv1.Sharing) *irv1.ResolvedMount {
		return &irv1.ResolvedMount{Kind: irv1.MountKind_MOUNT_KIND_CACHE, Target: "/c", Id: id, Sharing: sharing, Mode: 0o750, Uid: 33, Gid: 34}
	}
	from := cache("seeded", irv1.Sharing_SHARING_SHARED)
	from.From, from.Source = seed, "seed"
	r.stage(base,
		with(sh("stat -c '%a %u:%g' /c; echo kept >>/c/f"), cache("one", irv1.Sharing_SHARING_SHARED)),
		with(sh("cat /c/f; echo again >>/c/f"), cache("one", irv1.Sharing_SHARING_LOCKED)),
		with(sh("cat /c/f"), cache("one", irv1.Sharing_SHARING_PRIVATE)),
		with(sh("ls /c"), cache("two", irv1.Sharing_SHARING_SHARED)),
		with(sh("cat /c/f"), from),
	)
	o, files := r.mustBuild()
	if got, want := o.stdout.String(), "750 33:34\nkept\nkept\nagain\nseeded\n"; got != want {
		t.Errorf("output is %q, want %q", got, want)
	}
	files.want(t)
	r.noCache = true
	o, _ = r.mustBuild()
	if got, want := o.stdout.String(), "750 33:34\nkept\nagain\nkept\n"; !strings.HasPrefix(got, want) {
		t.Errorf("output of the second build is %q, want %q first", got, want)
	}
}

func TestTmpfsMount(t *testing.T) {
	r := newRig(t)
	r.stage(r.busybox(), with(sh("echo x >/t/f; stat -c %a /t; ! dd if=/dev/zero of=/t/big bs=1M count=2 2>/dev/null"),
		&irv1.ResolvedMount{Kind: irv1.MountKind_MOUNT_KIND_TMPFS, Target: "/t", Size: 1 << 20}))
	o, files := r.mustBuild()
	if got := o.stdout.String(); got != "1777\n" {
		t.Errorf("output is %q", got)
	}
	files.want(t)
}

func TestSecrets(t *testing.T) {
	r := newRig(t)
	r.secrets["token"] = "s3cret"
	base := r.busybox()
	secret := &irv1.ResolvedMount{Kind: irv1.MountKind_MOUNT_KIND_SECRET, Id: "token", Target: "/run/secrets/token", Mode: 0o440, Uid: 33, Gid: 34, Env: "TOKEN"}
	absent := &irv1.ResolvedMount{Kind: irv1.MountKind_MOUNT_KIND_SECRET, Id: "none", Target: "/none"}
	only := &irv1.ResolvedMount{Kind: irv1.MountKind_MOUNT_KIND_SECRET, Id: "token", Env: "ONLY"}
	r.stage(base, with(sh("cat /run/secrets/token; stat -c ' %a %u:%g' /run/secrets/token; echo $TOKEN $ONLY; test ! -e /none"), secret, absent, only))
	o, files := r.mustBuild()
	if got := o.stdout.String(); got != "s3cret 440 33:34\ns3cret s3cret\n" {
		t.Errorf("output is %q", got)
	}
	files.want(t)
	if leak := grep(r.state, "s3cret"); leak != "" {
		t.Errorf("the secret is in %s", leak)
	}

	absent.Required = true
	o = r.build()
	var f *backend.Failure
	if !errors.As(o.err, &f) || f.Kind != backendv1.FailureKind_FAILURE_KIND_SOURCE || !strings.Contains(f.Message, `"none"`) || f.Help == "" {
		t.Errorf("error is %v", o.err)
	}
}

// grep returns a readable file below dir that holds text.
func grep(dir, text string) (found string) {
	filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if content, err := os.ReadFile(path); err == nil && strings.Contains(string(content), text) {
				found = path
			}
		}
		return nil
	})
	return found
}

func TestSSH(t *testing.T) {
	r := newRig(t)
	r.agents["default"] = "/nonexistent/agent"
	base := r.busybox()
	agent := &irv1.ResolvedMount{
		Kind: irv1.MountKind_MOUNT_KIND_SSH, Id: "default", Target: "/run/agent.sock", Mode: 0o600, Uid: 33, Gid: 34, Required: true,
	}
	r.stage(base, with(sh("test -S $SSH_AUTH_SOCK; stat -c '%a %u:%g' $SSH_AUTH_SOCK"), agent))
	o, files := r.mustBuild()
	if got := o.stdout.String(); got != "600 33:34\n" {
		t.Errorf("output is %q", got)
	}
	files.want(t)
	agent.Id = "other"
	wantSource(t, r.build().err, `"other"`, "--ssh other")
}

func TestMountPlaces(t *testing.T) {
	r := newRig(t)
	tmpfs := func(target string) *irv1.ResolvedMount {
		return &irv1.ResolvedMount{Kind: irv1.MountKind_MOUNT_KIND_TMPFS, Target: target}
	}
	ctx := r.context(map[string]string{"etc/resolv.conf": "-> ../../run/missing/resolv.conf", "out": "-> /somewhere/else", "real/": "", "alias": "-> /real"})
	r.stage(r.busybox(),
		copyTo(ctx, "/", "."),
		with(sh("echo x >/out/f; echo y >/alias/f; echo z >/deep/er/f; ls -d /real /deep/er /somewhere/else"), tmpfs("/out"), tmpfs("/alias"), tmpfs("/deep/er")),
		with(sh("echo kept >/deep/kept; cat /etc/resolv.conf >/dev/null"), tmpfs("/deep/er")),
	)
	o, _ := r.mustBuild()
	if got := o.stdout.String(); got != "/deep/er\n/real\n/somewhere/else\n" {
		t.Errorf("output is %q", got)
	}
	if n := len(o.artifact.Blobs); n != 2 {
		t.Fatalf("there are %d layers, want 2", n)
	}
	r.layer(o.artifact, o.artifact.Blobs[1]).want(t, "5 0755 0:0 deep", `0 0644 0:0 deep/kept "kept\n"`)
	if _, err := os.Stat("/somewhere"); err == nil {
		t.Error("a mount target was made on the machine")
	}

	r.container.Stages[0].Steps[1] = with(sh("true"), tmpfs("/dev/x"))
	if o := r.build(); o.err == nil || !strings.Contains(o.err.Error(), "/dev/x") {
		t.Errorf("error is %v", o.err)
	}
}

func TestStepsAreApart(t *testing.T) {
	r := newRig(t)
	r.stage(r.busybox(),
		exec(sh("echo x >/dev/shm/left; (while true; do echo >>/still; sleep 0.01; done) >/dev/null 2>&1 & sleep 0.1")),
		exec(sh("ls /dev/shm; ps -o comm= | grep -c sleep || true; wc -l </still >/one; sleep 0.2; wc -l </still >/two; cmp /one /two")))
	o, _ := r.mustBuild()
	if got := o.stdout.String(); got != "0\n" {
		t.Errorf("output is %q", got)
	}
}

func TestIsolation(t *testing.T) {
	r := newRig(t)
	r.stage(r.busybox(), exec(sh(`
		ls /dev | tr '\n' ' '; echo
		ps -o comm= | grep -vc sh
		test ! -e /proc/`+fmt.Sprint(os.Getpid())+`/exe || test $$ = `+fmt.Sprint(os.Getpid())+`
		! echo b 2>/dev/null >/proc/sysrq-trigger
		! touch /sys/x 2>/dev/null
		echo x >/dev/null; echo x >/dev/shm/x
		grep CapEff /proc/self/status`)))
	o, files := r.mustBuild()
	lines := strings.Split(o.stdout.String(), "\n")
	if lines[0] != "fd full null ptmx pts random shm stderr stdin stdout tty urandom zero " {
		t.Errorf("/dev has %s", lines[0])
	}
	if !strings.HasSuffix(lines[len(lines)-2], "00000000a80425fb") {
		t.Errorf("capabilities are %s", lines[len(lines)-2])
	}
	files.want(t)
}

// TestFolderTimes looks at a folder in which the backend mounts files: its time
// is that of the last change that a command made.
func TestFolderTimes(t *testing.T) {
	old := time.Unix(981173106, 0)
	for line, changed := range map[string]bool{
		"echo x >>/etc/passwd":                                  false,
		"touch /etc/new":                                        true,
		"touch /etc/passing; rm /etc/passing":                   true,
		"echo '127.0.0.1 a' >>/etc/hosts; chmod 600 /etc/group": false,
	} {
		r := newRig(t)
		r.stage(r.busybox(), exec(sh("touch -d @981173106 /etc")), exec(sh(line)))
		o, _ := r.mustBuild()
		etc := r.layer(o.artifact, o.artifact.Blobs[1])["etc"]
		if etc.Name == "" || etc.ModTime.Equal(old) == changed {
			t.Errorf("%s: /etc is %+v", line, etc.Header)
		}
	}
}
