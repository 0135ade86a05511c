// SPDX-License-Identifier: Apache-2.0

package host_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/zlayer/zlayer/host"
)

// A user is told the reason of a crash; the stacks are kept for the author.
func TestCrash(t *testing.T) {
	for _, tt := range []struct {
		name, stderr, words string
		crashed             bool
	}{
		{"no stack", "no such luck\n", "no such luck\n", false},
		{"words of a panic only", "panic: at the disco\n", "panic: at the disco\n", false},
		{"panic", "starting\npanic: boom\n\ngoroutine 1 [running]:\nmain.main()\n\t/x.go:3\nexit status 2\n", "starting\nit crashed: boom\n", true},
		{"signal", "panic: nil map\n[signal SIGSEGV: code=0x1]\n\ngoroutine 7 gp=0x1 m=0 mp=0x2 [running]:\nmain.f()\n", "it crashed: nil map\n", true},
		{"caught", "backend: panic: boom\ngoroutine 19 [running]:\nruntime/debug.Stack()\n", "it crashed: boom\n", true},
		{"deadlock", "fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 [select]:\n", "fatal error: all goroutines are asleep - deadlock!\n\n", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			h, err := host.Open(host.Config{DataDir: dir})
			if err != nil {
				t.Fatal(err)
			}
			words, path := h.Crash(&host.PluginError{ID: "acme.example/oven", Stderr: tt.stderr})
			if words != tt.words || (path != "") != tt.crashed {
				t.Errorf("got %q and %q, want %q", words, path, tt.words)
			}
			if !tt.crashed {
				return
			}
			if kept, err := os.ReadFile(path); err != nil || string(kept) != tt.stderr {
				t.Errorf("kept %q (%v)", kept, err)
			}
			if rel, err := filepath.Rel(dir, path); err != nil || !filepath.IsLocal(rel) {
				t.Errorf("%s is not in the state folder", path)
			}
		})
	}
}
