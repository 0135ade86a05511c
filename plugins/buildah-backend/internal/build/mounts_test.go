// SPDX-License-Identifier: Apache-2.0

package build

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
)

func TestRelay(t *testing.T) {
	dir, err := os.MkdirTemp("", "relay")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	listen := func(name string) net.Listener {
		l, err := net.Listen("unix", filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return l
	}
	agent, front := listen("agent"), listen("front")
	go relay(front, agent.Addr().String())
	go func() {
		c, err := agent.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		var ask [4]byte
		io.ReadFull(c, ask[:])
		c.Write(append([]byte("re:"), ask[:]...))
	}()
	c, err := net.Dial("unix", front.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.Write([]byte("ping"))
	answer, err := io.ReadAll(c)
	if err != nil || string(answer) != "re:ping" {
		t.Errorf("answer is %q, %v", answer, err)
	}
}
