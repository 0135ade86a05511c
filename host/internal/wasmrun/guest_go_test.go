// SPDX-License-Identifier: Apache-2.0

package wasmrun

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
)

// goGuest builds the frontend in testdata with the Go toolchain.
func goGuest(t *testing.T) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "guest.wasm")
	cmd := exec.Command("go", "build", "-ldflags=-s -w", "-o", out, "./testdata/guest")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestGoFrontend(t *testing.T) {
	module := goGuest(t)
	path, digest := save(t, module)
	r := open(t, t.TempDir(), Limits{Memory: 64 << 20, Output: 1 << 20, Time: time.Minute})
	if err := r.Precompile(t.Context(), path, digest); err != nil {
		t.Fatal(err)
	}
	m, err := r.Load(t.Context(), path, digest)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(content string) (string, error) {
		res, err := m.Parse(t.Context(), &frontendv1.ParseRequest{Content: []byte(content)})
		if err != nil {
			return "", err
		}
		return res.GetDiagnostics()[0].GetMessage(), nil
	}
	t.Run("is alone in the world", func(t *testing.T) {
		for content, want := range map[string]string{
			"environment":                           "0 0",
			"clock":                                 "2020-09-13 12:26:40 +0000 UTC",
			"read /etc/passwd":                      "open /etc/passwd: Bad file number",
			"read .":                                "open .: Bad file number",
			"write /tmp/" + filepath.Base(t.Name()): "Bad file number",
			"garbage":                               "\x00",
		} {
			if got, err := ask(content); err != nil || !strings.Contains(got, want) {
				t.Errorf("%s: got %q, %v; want %q", content, got, err, want)
			}
		}
	})
	t.Run("is the same every time", func(t *testing.T) {
		for _, content := range []string{"random", "clock"} {
			first, err := ask(content)
			if err != nil {
				t.Fatal(err)
			}
			in := m.idle[0]
			m.idle = nil
			in.kill()
			if again, err := ask(content); err != nil || again != first {
				t.Errorf("%s: got %q and in a new instance %q, %v", content, first, again, err)
			}
		}
	})
	t.Run("is told by its reason", func(t *testing.T) {
		for content, want := range map[string]Reason{
			"recurse":        ReasonMemory,
			"allocate":       ReasonMemory,
			"hoard":          ReasonMemory,
			"panic confused": ReasonFrontend,
			"flood":          ReasonOutput,
		} {
			_, err := ask(content)
			var failed *Failed
			if !errors.As(err, &failed) || failed.Reason != want {
				t.Errorf("%s: got %v, want reason %s", content, err, want)
			}
			if content == "panic confused" && !strings.Contains(failed.Stderr, "confused") {
				t.Errorf("stderr is %q", failed.Stderr)
			}
			if _, err := ask("again"); err != nil {
				t.Errorf("after %s: %v", content, err)
			}
		}
	})
	t.Run("cannot sleep", func(t *testing.T) {
		short := open(t, "", Limits{Time: time.Second})
		m, err := short.Load(t.Context(), path, digest)
		if err != nil {
			t.Fatal(err)
		}
		_, err = m.Parse(t.Context(), &frontendv1.ParseRequest{Content: []byte("sleep")})
		var failed *Failed
		if !errors.As(err, &failed) || failed.Reason != ReasonTimeout {
			t.Errorf("got %v", err)
		}
	})
}
