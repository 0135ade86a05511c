// SPDX-License-Identifier: Apache-2.0

package macos

import (
	"net"
	"os"
	"os/user"
	"path/filepath"
	"testing"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// newSandboxRig is a rig with the sandbox of the system.
func newSandboxRig(t *testing.T) *rig {
	t.Helper()
	r := newRig(t)
	r.tool = sandboxExec
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	r.home = me.HomeDir
	return r
}

// What ordinary commands do works.
func TestSandboxAllows(t *testing.T) {
	for name, script := range map[string]string{
		"writing in the image":   `mkdir -p a/b && echo x > a/b/c && mv a/b/c a/d && chmod 600 a/d && rm a/d && test -d a`,
		"a here-document":        "cat <<EOF > out\nhello\nEOF\ngrep -q hello out",
		"temporary files":        `f=$(mktemp "$TMPDIR/x.XXXXXX") && echo x > "$f"`,
		"pipes and processes":    `seq 100 | sort -n | tail -1 | grep -q 100 && (sleep 0; exit 0) & wait`,
		"its own signals":        `sleep 60 & kill $! && ! wait $!`,
		"reading the machine":    `grep -q root /etc/passwd && test -r /usr/share/dict/words && ls /System > /dev/null`,
		"who it is":              `id -un > /dev/null && date > /dev/null`,
		"a program of the image": `cp /bin/ls ./ls && ./ls / > /dev/null`,
	} {
		t.Run(name, func(t *testing.T) {
			r := newSandboxRig(t)
			if _, err := r.runner.Run(t.Context(), r.with(script)); err != nil {
				t.Errorf("%v\n%s", err, r.stderr.String())
			}
		})
	}
}

// What a hostile command does fails, and loudly.
func TestSandboxDenies(t *testing.T) {
	secret := filepath.Join(tempDir(t), "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	for name, script := range map[string]string{
		"reading a home":                 `ls "` + me.HomeDir + `"`,
		"reading it by its other name":   `ls "/System/Volumes/Data` + me.HomeDir + `"`,
		"reading what is temporary":      `cat "` + secret + `"`,
		"reading through a link":         `ln -s "` + secret + `" l && cat l`,
		"reading a clone":                `cp -c "` + secret + `" c`,
		"reading keychains":              `security dump-keychain`,
		"reading other builds":           `ls "$(dirname "$(dirname "$(dirname "$ZLAYER_ROOT")")")"`,
		"writing elsewhere":              `echo x > "` + secret + `"`,
		"writing in /tmp":                `echo x > /tmp/zlayer-test`,
		"writing through a link":         `ln -s /tmp l && echo x > l/zlayer-test`,
		"a hard link to what is outside": `ln /etc/hosts h`,
		"replacing its root":             `mv "$ZLAYER_ROOT" "$TMPDIR/moved"`,
		"ending other processes":         `kill -0 1 || kill -0 $PPID`,
		"starting programs outside":      `open -a Calculator`,
		"the pasteboard":                 `pbpaste && false`,
		"the network, when it has none":  `nc -z -w 2 127.0.0.1 ` + port,
	} {
		t.Run(name, func(t *testing.T) {
			r := newSandboxRig(t)
			c := r.with(script)
			c.Exec.Network = irv1.Network_NETWORK_NONE
			if _, err := r.runner.Run(t.Context(), c); err == nil {
				t.Errorf("it worked: %s%s", r.stdout.String(), r.stderr.String())
			}
		})
	}
	if text, err := os.ReadFile(secret); err != nil || string(text) != "secret" {
		t.Errorf("the file outside is %q, %v", text, err)
	}
	if _, err := os.Lstat("/tmp/zlayer-test"); err == nil {
		t.Error("a command wrote in /tmp")
	}
}

// With a network the machine is reached; its loopback is.
func TestSandboxNetwork(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	r := newSandboxRig(t)
	if _, err := r.runner.Run(t.Context(), r.with("nc -z -w 5 127.0.0.1 "+port)); err != nil {
		t.Errorf("%v\n%s", err, r.stderr.String())
	}
}
