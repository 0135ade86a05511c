// SPDX-License-Identifier: Apache-2.0

//go:build system && linux

package linux

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// outcomes are the lines of the tester, by name.
func outcomes(t testing.TB, out string) map[string]string {
	t.Helper()
	got := map[string]string{}
	for lines := bufio.NewScanner(strings.NewReader(out)); lines.Scan(); {
		name, how, _ := strings.Cut(lines.Text(), " ")
		got[name] = how
	}
	return got
}

// try has the tester try things in the sandbox.
func (r *rig) try(tries []string, changes ...with) map[string]string {
	r.t.Helper()
	got := r.exec(context.Background(), append([]string{"/bin/tester"}, tries...), changes...)
	if got.failure != nil {
		r.t.Fatalf("%q: %v\n%s%s", tries, got.failure, got.out, got.err)
	}
	return outcomes(r.t, got.out)
}

// tryOutside has it try the same on the machine, as far from it as a test may:
// as superuser in namespaces where nothing is lost.
func tryOutside(t testing.TB, tries ...string) map[string]string {
	t.Helper()
	cmd := exec.Command(tester(t), tries...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWUTS}
	if os.Geteuid() != 0 {
		own := func(id int) []syscall.SysProcIDMap { return []syscall.SysProcIDMap{{HostID: id, Size: 1}} }
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings, cmd.SysProcAttr.GidMappings = own(os.Geteuid()), own(os.Getegid())
	}
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	must(t, err)
	return outcomes(t, string(out))
}

// What a command may not do fails in the sandbox; that it works outside, where
// a test may try it there, shows that it is the sandbox that it fails for.
func TestPrivileges(t *testing.T) {
	r := newRig(t)
	const always, root, never = "always", "root", "never"
	helper := exec.Command("/bin/busybox", "sleep", "1000") // not the parent's child, for ptrace
	must(t, helper.Start())
	defer helper.Wait()
	defer helper.Process.Kill()
	dir := t.TempDir()
	namespaces := strconv.Itoa(unix.CLONE_NEWUSER)
	for _, c := range []struct {
		try, want string
		// outside says who can do it on the machine; outsideTry is the same
		// with another argument.
		outside, outsideTry string
	}{
		{"mount:/tmp", "EPERM", always, "mount:" + dir},
		{"bind:/tmp", "EPERM", root, "bind:" + dir},
		{"remount:/proc/sys", "EPERM", never, ""},
		{"umount:/proc/sys", "EPERM", always, "mount:" + dir + " umount:" + dir},
		{"fsopen", "EPERM", always, ""},
		{"open-tree", "EPERM", root, ""},
		{"pivot-root", "EPERM", never, ""},
		{"unshare:" + namespaces, "EPERM", never, ""}, // not for a program with threads
		{"unshare:" + strconv.Itoa(unix.CLONE_NEWNS), "EPERM", always, ""},
		{"unshare:" + strconv.Itoa(unix.CLONE_NEWNET), "EPERM", always, ""},
		{"clone:" + namespaces, "EPERM", always, ""},
		{"clone:" + strconv.Itoa(unix.CLONE_NEWPID), "EPERM", always, ""},
		{"clone:0", "ok", always, ""},
		{"clone3", "ENOSYS", never, ""},
		{"setns", "EPERM", never, ""},
		{"ptrace:1", "EPERM", root, "ptrace:" + strconv.Itoa(helper.Process.Pid)},
		{"read-memory:1", "EPERM", root, "read-memory:" + strconv.Itoa(helper.Process.Pid)},
		{"get-fd", "EPERM", never, ""},
		{"by-handle:/", "EPERM", root, "by-handle:" + dir},
		{"keyctl", "EPERM", always, ""},
		{"add-key", "EPERM", always, ""},
		{"bpf", "EPERM", never, ""},
		{"perf", "EPERM", never, ""},
		{"userfault", "EPERM", root, ""},
		{"io-uring", "EPERM", never, ""},
		{"module", "EPERM", never, ""},
		{"kexec", "EPERM", never, ""},
		{"syslog", "EPERM", root, ""},
		{"swapon", "EPERM", never, ""},
		{"acct", "EPERM", never, ""},
		{"reboot", "EPERM", never, ""},
		{"time", "EPERM", never, ""},
		{"adjust-time", "EPERM", never, ""},
		{"hostname", "EPERM", always, ""},
		{"domainname", "EPERM", always, ""},
		{"personality", "EPERM", always, ""},
		{"char-device:/tmp/null", "EPERM", root, "char-device:" + dir + "/null"},
		{"disk:/tmp/disk", "EPERM", root, "disk:" + dir + "/disk"},
		{"fifo:/tmp/fifo", "ok", always, "fifo:" + dir + "/fifo"},
		{"type-ahead", "EPERM", never, ""},
		{"vsock", "EAFNOSUPPORT", never, ""},
		{"packet", "EAFNOSUPPORT", root, ""},
		{"alg", "EAFNOSUPPORT", never, ""},
		{"unix", "ok", always, ""},
		{"inet", "ok", always, ""},
		{"own-socket:zlayer-test-own", "ok", always, ""},
		{"raise", "EPERM", root, ""},
		{"open:/proc/1/mem", "EACCES", never, ""},
		{"open:/proc/1/maps", "EACCES", never, ""},
		{"open:/proc/1/environ", "EACCES", never, ""},
		{"open:/proc/1/root/etc", "EACCES", never, ""},
		{"open:/proc/1/cwd/etc", "EACCES", never, ""},
		{"open:/proc/1/fd/3", "EACCES", never, ""},
		{"open:/dev/kmsg", "ENOENT", never, ""},
		{"open:/dev/mem", "ENOENT", never, ""},
		{"write:/proc/sys/kernel/hostname", "EROFS", never, ""},
		{"write:/proc/sys/kernel/core_pattern", "EROFS", never, ""},
		{"write:/proc/sys/vm/drop_caches", "EROFS", never, ""},
		{"write:/proc/irq/default_smp_affinity", "EROFS", never, ""},
		{"write:/sys/devices/system/cpu/uevent", "EROFS", never, ""},
	} {
		name, _, _ := strings.Cut(c.try, ":")
		t.Run(c.try, func(t *testing.T) {
			if got := r.try([]string{c.try})[name]; got != c.want && !(c.want == "EROFS" && got == "EACCES") {
				t.Errorf("inside: %s, want %s", got, c.want)
			}
			if c.outside == never || c.outside == root && os.Geteuid() != 0 {
				return
			}
			if c.outsideTry == "" {
				c.outsideTry = c.try
			}
			if got := tryOutside(t, strings.Fields(c.outsideTry)...)[name]; got != "ok" {
				t.Errorf("outside: %s, so this test shows nothing", got)
			}
		})
	}
}

// secretFile is a file of the machine that only the user of this test has.
func secretFile(t testing.TB) (path, token string) {
	t.Helper()
	token = "token-" + strconv.Itoa(os.Getpid()) + "-of-the-machine"
	dir, err := os.MkdirTemp("", "home")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	path = filepath.Join(dir, "secret")
	must(t, os.WriteFile(path, []byte(token+"\n"), 0o600))
	return path, token
}

// ways are ways to a file of the machine, one a line.
const ways = `
ln -s "$F" /tmp/link; mkdir -p /tmp/a/b; ln -s "../../../../../../../..$F" /tmp/a/b/link; ln -s /proc/self/root /tmp/root
cat > /tmp/ways <<END
$F
/../../../..$F
/tmp/link
/tmp/a/b/link
/tmp/root$F
/tmp/root/../..$F
/dev/fd/../../../..$F
END
for p in /proc/[0-9]* /proc/self /proc/thread-self /proc/1/task/*; do
	for at in root cwd root/.. cwd/.. cwd/../../../../.. ; do echo "$p/$at$F"; done
	for fd in 0 1 2 3 4 5 6 7 8 9 10 11 12; do echo "$p/fd/$fd$F"; echo "$p/fd/$fd/..$F"; done
done >>/tmp/ways
`

func TestFilesOfTheMachine(t *testing.T) {
	r := newRig(t)
	path, token := secretFile(t)
	script := ways + `
while read -r f; do cat "$f" 2>/dev/null; echo hacked 2>/dev/null >"$f"; rm -f "$f"; done </tmp/ways
true`
	got := r.run("F=" + path + "\n" + script)
	if got.failure != nil || strings.Contains(got.out, token) {
		t.Errorf("read: %v\n%s%s", got.failure, got.out, got.err)
	}
	if text, err := os.ReadFile(path); string(text) != token+"\n" {
		t.Errorf("the machine's file is %q (%v)", text, err)
	}
	// The same finds and changes a file that is there.
	in := r.chain(r.root, dir(path[1:len(path)-len("/secret")], 0o755), file(path[1:], 0o644, token+"\n"))
	r.root = in
	got = r.run("F=" + path + "\n" + ways + `while read -r f; do cat "$f" 2>/dev/null; done </tmp/ways`)
	if n := strings.Count(got.out, token); n < 10 {
		t.Errorf("the file of the image was found %d times\n%s", n, got.err)
	}

	for _, file := range []string{"/etc/shadow", "/proc/self/root/etc/shadow"} {
		if out := r.ok("cat " + file); out != "the image's own\n" {
			t.Errorf("%s is %q", file, out)
		}
	}
	if got := r.try([]string{"chroot-out:" + filepath.Dir(path) + "-not"}); got["chroot-out"] != "ENOENT" {
		t.Errorf("leaving a chroot: %v", got)
	}
	if got := r.try([]string{"chroot-out:/srv/file"}); got["chroot-out"] != "ok" {
		t.Errorf("leaving a chroot shows %v, so the test above shows nothing", got)
	}
}

// The mounts that a command can list are its own and those that process 1 is
// left with: none is of the machine's root.
func TestMountTables(t *testing.T) {
	r := newRig(t)
	out := r.ok("cat /proc/1/mountinfo /proc/1/task/*/mountinfo /proc/self/mountinfo 2>/dev/null; true")
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		if len(fields) > 4 && fields[3] == "/" && fields[4] == "/" && !strings.Contains(line, " overlay ") {
			t.Errorf("a root folder is mounted: %s", line)
		}
	}
	if !strings.Contains(out, " /proc ") {
		t.Errorf("mounts are %q", out)
	}
}

// A command sees no process but its own, and ends no other.
//
// Process 1 is not sent 32 to 34, which Go's runtime leaves at their defaults:
// while it starts a thread the kernel lets them end it, and with it nothing but
// the command that sent them.
func TestOtherProcesses(t *testing.T) {
	r := newRig(t)
	victim := exec.Command("/bin/busybox", "sleep", "1000")
	must(t, victim.Start())
	defer victim.Wait()
	defer victim.Process.Kill()
	pid := strconv.Itoa(victim.Process.Pid)
	out := r.ok(`sleep 1000 & own=$!; kill -9 $own && wait $own; echo own $?
		test -e /proc/` + pid + `/exe && echo seen
		kill -9 ` + pid + ` 2>/dev/null && echo killed
		for sig in 1 2 3 4 6 7 8 9 10 11 12 13 14 15 17 19 24 25 31 64; do kill -$sig 1; done
		set -- /proc/[0-9]*; echo $#; trap '' TERM; kill -9 -1; echo alive`)
	if out != "own 137\n2\nalive\n" {
		t.Errorf("output is %q", out)
	}
	if err := victim.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("the victim: %v", err)
	}
	if stat, _ := os.ReadFile("/proc/" + pid + "/stat"); strings.Contains(string(stat), ") Z ") {
		t.Error("the victim is dead")
	}
}

// A program that would make its caller root does not.
func TestSetID(t *testing.T) {
	if oneID() {
		return
	}
	r := newRig(t)
	r.ok("cp /bin/tester /tmp/tester; chmod 4755 /tmp/tester; /tmp/tester setuid")
	got := r.run("cp /bin/tester /bin/root; chmod 4755 /bin/root")
	r.root = r.on(r.root, got.file, got.layer)
	if out := r.ok("stat -c %a /bin/root; /bin/root setuid", as(1000, 1000)); out != "4755\nsetuid EPERM\n" {
		t.Errorf("output is %q", out)
	}
}

func TestNetwork(t *testing.T) {
	r := newRig(t)
	tcp := listen(t, "tcp", "127.0.0.1:0")
	name := fmt.Sprintf("zlayer-test-%d", os.Getpid())
	listen(t, "unix", "@"+name)
	path := filepath.Join(r.dir, "socket")
	listen(t, "unix", path)
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	must(t, err)
	defer udp.Close()
	go func() {
		buf := make([]byte, 1)
		for {
			_, from, err := udp.ReadFrom(buf)
			if err != nil {
				return
			}
			udp.WriteTo(buf, from)
		}
	}()
	tries := []string{"tcp:" + tcp, "udp:" + udp.LocalAddr().String(), "abstract:" + name, "socket:" + path, "own-socket:x"}
	for how, got := range map[string]map[string]string{
		"outside": tryOutside(t, tries...),
		"machine": r.try(tries),
		"none":    r.try(tries, offline),
	} {
		want := map[string]string{"tcp": "ok", "udp": "ok", "abstract": "ok", "socket": "ok", "own-socket": "ok"}
		if how == "machine" {
			want["socket"], want["abstract"] = "ENOENT", abstractScoped()
		}
		if how == "none" {
			want = map[string]string{"tcp": "ECONNREFUSED", "udp": "ECONNREFUSED", "abstract": "ECONNREFUSED", "socket": "ENOENT", "own-socket": "ok"}
			if abstractScoped() == "ok" {
				want["abstract"] = "ECONNREFUSED"
			}
		}
		for name := range want {
			if got[name] != want[name] {
				t.Errorf("%s: %s is %s, want %s", how, name, got[name], want[name])
			}
		}
	}
	if out := r.ok("ip -o link | wc -l; ip link show lo | grep -c UP; wc -c </etc/resolv.conf", offline); out != "1\n1\n0\n" {
		t.Errorf("output is %q", out)
	}
}

// abstractScoped is how connecting to an abstract socket of the machine ends.
func abstractScoped() string {
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno == 0 && version >= 6 {
		return "EPERM"
	}
	return "ok"
}

func listen(t testing.TB, network, address string) string {
	t.Helper()
	l, err := net.Listen(network, address)
	must(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	return l.Addr().String()
}
