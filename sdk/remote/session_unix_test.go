// SPDX-License-Identifier: Apache-2.0

//go:build unix

package remote

import (
	"io"
	"net"
	"os"
	"os/exec"
	"testing"
)

// killedEnv is the source that this test fetches when it runs again, to be
// killed.
const killedEnv = "ZLAYER_TEST_KILLED"

// Whatever ends us, nobody is left who talks to a server.
func TestGitEndsWithUs(t *testing.T) {
	if source := os.Getenv(killedEnv); source != "" {
		_, err := Git(t.Context(), source, t.TempDir(), GitOptions{User: os.Environ()})
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, scheme := range []string{"git", "http"} {
		t.Run(scheme, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			cmd := exec.Command(self, "-test.run=^TestGitEndsWithUs$")
			cmd.Env = append(os.Environ(), killedEnv+"="+scheme+"://"+l.Addr().String()+"/x.git", "TMPDIR="+t.TempDir())
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			c, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, c) // until the other end is closed
			_ = cmd.Wait()
		})
	}
}
