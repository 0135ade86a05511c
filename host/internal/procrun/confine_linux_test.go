// SPDX-License-Identifier: Apache-2.0

package procrun

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/zlayer/zlayer/host/internal/confine"
)

// do has a backend do something and returns how it went.
func do(t *testing.T, p *Process, job string) string {
	t.Helper()
	a, err := p.Build(t.Context(), startJob(job), &recorder{})
	if err != nil {
		t.Fatalf("%s: %v", job, err)
	}
	return a.GetHandle()
}

// A confined backend can touch its folder and what it is given, and nothing
// else of what the user can; one that is not confined can.
func TestConfined(t *testing.T) {
	// Not t.TempDir: the folder of the test binary, which is given, may be above.
	home, err := os.MkdirTemp("/var/tmp", "procrun")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	for _, name := range []string{"state", "other", "temp", ".ssh"} {
		if err := os.Mkdir(filepath.Join(home, name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(home, name, "file"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("TMPDIR", filepath.Join(home, "temp"))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	start := func(rules *confine.Rules) *Process {
		o := options(t, "serve")
		o.Environ, o.Confine = append(o.Environ, "TMPDIR="+filepath.Join(home, "temp")), rules
		p, err := Start(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Close)
		return p
	}
	state := filepath.Join(home, "state")
	confined, free := start(&confine.Rules{Write: []string{state}}), start(nil)
	network := start(&confine.Rules{Network: true})
	for _, tt := range []struct {
		job               string
		confined, network bool
	}{
		{"read " + home + "/state/file", true, false},
		{"write " + state, true, false},
		{"read " + executable(t), true, true},
		{"write $TMPDIR", true, true},
		{"read " + home + "/.ssh/file", false, false},
		{"read " + home + "/other/file", false, false},
		{"write " + home + "/other", false, false},
		{"write " + home + "/temp", false, false},
		{"write " + filepath.Dir(executable(t)), false, false},
		{"connect " + l.Addr().String(), false, true},
	} {
		if got := do(t, confined, tt.job); (got == "done") != tt.confined {
			t.Errorf("confined, %s: %s", tt.job, got)
		}
		if got := do(t, network, tt.job); (got == "done") != tt.network {
			t.Errorf("with the network, %s: %s", tt.job, got)
		}
		if got := do(t, free, tt.job); got != "done" {
			t.Errorf("not confined, %s: %s", tt.job, got)
		}
	}
	temp := do(t, confined, "temp dir")
	if temp != confined.child.socket || filepath.Dir(temp) != filepath.Join(home, "temp") {
		t.Errorf("its temporary files are in %s", temp)
	}
	confined.Close()
	if exists(temp) {
		t.Errorf("%s is still there", temp)
	}
}
