// SPDX-License-Identifier: Apache-2.0

package macos

import (
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/ir"
)

func TestWorkdir(t *testing.T) {
	dir := &tree.Node{Kind: tree.Dir, Mode: 0o755}
	link := func(target string) *tree.Node { return &tree.Node{Kind: tree.Symlink, Target: target} }
	tr, err := tree.Empty().Apply([]tree.Change{
		{Name: "srv", Node: dir}, {Name: "srv/app", Node: dir}, {Name: "file", Node: &tree.Node{Kind: tree.File}},
		{Name: "abs", Node: link("/srv")}, {Name: "up", Node: link("../../../srv")}, {Name: "gone", Node: link("/nowhere")}, {Name: "loop", Node: link("loop")},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ in, want string }{
		{"/", "."}, {"", "."}, {"/srv", "srv"}, {"/srv/app/", "srv/app"}, {"/abs/app", "srv/app"}, {"/up/app", "srv/app"},
		{"/abs/new/dir", "srv/new/dir"}, {"/new", "new"},
		{"/gone", "error"}, {"/gone/x", "error"}, {"/loop", "error"}, {"/file/x", "error"},
	} {
		got, err := workdir(tr, test.in)
		if err != nil {
			got = "error"
		}
		if got != test.want {
			t.Errorf("workdir(%q) = %q, want %q (%v)", test.in, got, test.want, err)
		}
	}
}

func TestEnvironment(t *testing.T) {
	got := environment([]string{"B=1", "A=2"}, "/r", "/t")
	if want := []string{"B=1", "A=2", "TMPDIR=/t", "ZLAYER_ROOT=/r"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	got = environment([]string{"TMPDIR="}, "/r", "/t")
	if want := []string{"TMPDIR=", "ZLAYER_ROOT=/r"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// What a backend can say about commands, this one says, and each with a reason.
func TestDescribe(t *testing.T) {
	for _, test := range []struct {
		tool string
		want string
	}{
		{"/", "experimental"},
		{"/nowhere/sandbox-exec", "no-sandbox-exec"},
	} {
		d, err := runner{tool: test.tool}.Describe(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		reasons := map[string]string{}
		for _, s := range d.Subtracted {
			if s.Reason == "" || s.Message == "" {
				t.Errorf("%s has no reason", s.Feature)
			}
			reasons[s.Feature] = s.Reason
		}
		for _, f := range ir.KnownFeatures() {
			known := f.Resolved && (f.ID == "exec" || strings.HasPrefix(f.ID, "exec.")) && f.ID != "exec.device" && f.ID != "exec.security.insecure"
			if _, ok := reasons[f.ID]; ok != known {
				t.Errorf("%s: %v, want %v", f.ID, ok, known)
			}
		}
		if reasons["exec"] != test.want || reasons["exec.mount.cache"] != "no-mounts" || reasons["exec.user"] != "one-user" {
			t.Errorf("got %v", reasons)
		}
		if len(d.Platforms) != 1 || d.Platforms[0].Platform.Os != "darwin" {
			t.Errorf("platforms %v", d.Platforms)
		}
	}
	if backend.ReasonExperimental != "experimental" {
		t.Error("the reason has another name")
	}
}

// kernArgs is what the kernel says of a process.
func kernArgs(count int32, text string) []byte {
	return append(binary.NativeEndian.AppendUint32(nil, uint32(count)), text...)
}

func TestParseArgs(t *testing.T) {
	for _, test := range []struct {
		name string
		data []byte
		want []string
		bad  bool
	}{
		{"as it is", kernArgs(2, "/bin/sh\x00\x00\x00\x00sh\x00-c\x00A=b\x00ZLAYER_ROOT=/r\x00\x00junk\x00"), []string{"A=b", "ZLAYER_ROOT=/r"}, false},
		{"no environment", kernArgs(1, "/bin/ls\x00ls\x00"), nil, false},
		{"an empty argument", kernArgs(2, "/bin/ls\x00\x00ls\x00\x00A=b\x00\x00"), []string{"A=b"}, false},
		{"nothing", nil, nil, true},
		{"cut off", kernArgs(3, "/bin/ls\x00ls\x00"), nil, true},
		{"a count that cannot be", kernArgs(-1, "/bin/ls\x00ls\x00"), nil, true},
	} {
		got, err := parseArgs(test.data)
		if !slices.Equal(got, test.want) || (err != nil) != test.bad {
			t.Errorf("%s: %q, %v", test.name, got, err)
		}
	}
}

func FuzzParseArgs(f *testing.F) {
	f.Add(kernArgs(2, "/bin/sh\x00\x00sh\x00-c\x00A=b\x00\x00"))
	f.Add([]byte{1, 2})
	f.Fuzz(func(t *testing.T, data []byte) {
		env, err := parseArgs(data)
		for _, v := range env {
			if v == "" || strings.Contains(v, "\x00") || err != nil {
				t.Errorf("%q, %v", env, err)
			}
		}
	})
}
