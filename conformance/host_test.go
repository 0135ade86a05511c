// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/zlayer/zlayer/conformance/vectors"
	"github.com/zlayer/zlayer/host"
)

// classes are how our host says what is wrong with a frontend.
var classes = map[string]*regexp.Regexp{
	"digest":   regexp.MustCompile(`is not the file its manifest names`),
	"module":   regexp.MustCompile(`^the file is no frontend|^it cannot be used`),
	"trap":     regexp.MustCompile(`^the frontend crashed`),
	"exit":     regexp.MustCompile(`^the frontend exited with code \d+`),
	"timeout":  regexp.MustCompile(`^the frontend did not answer within`),
	"memory":   regexp.MustCompile(`^the frontend wanted more memory`),
	"size":     regexp.MustCompile(`^the response of the frontend is too large`),
	"protocol": regexp.MustCompile(`^the answer of the frontend breaks the protocol`),
	"failure":  regexp.MustCompile(`^the frontend failed`),
	"invalid":  regexp.MustCompile(`^it answered with a build that is not valid`),
	"needs":    regexp.MustCompile(`^it asked for more than`),
}

// spent are the classes after which an instance must not be used again (SPEC
// F11).
var spent = []string{"trap", "exit", "timeout", "memory", "size", "protocol"}

const (
	// checkLimit is how long the host may take to give a frontend up.
	checkLimit = 30 * time.Second
	// maxStderr is how much of a frontend's stderr a host may keep, in bytes.
	maxStderr = 64 << 10
)

// TestHost runs the vectors about hosts against ours.
func TestHost(t *testing.T) {
	all, err := vectors.Hosts()
	if err != nil {
		t.Fatal(err)
	}
	rig := newHostRig(t)
	before := runtime.NumGoroutine()
	t.Run("vectors", func(t *testing.T) {
		for _, v := range all {
			t.Run(v.Name, func(t *testing.T) {
				t.Parallel()
				rig.test(t, v)
			})
		}
	})
	t.Run("cancel", rig.cancel)
	for end := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d goroutines are left, %d before", runtime.NumGoroutine(), before)
		}
	}
}

// test checks the build file of a vector, and good ones before and after.
func (r *hostRig) test(t *testing.T, v *vectors.Host) {
	h, source := r.open(t, v), r.source(t, v)
	if v.Module == "" {
		r.good(t, h)
	}
	began := time.Now()
	checked, err := h.Check(t.Context(), source)
	if took := time.Since(began); took > checkLimit {
		t.Errorf("it took %v", took)
	}
	if !isClass(v.Expect, err) {
		t.Fatalf("want the class %s, got %s", v.Expect, words(err))
	}
	if v.Expect == "ok" {
		r.compare(t, v, source, checked)
	}
	if v.Module != "" {
		return
	}
	if after := r.good(t, h); slices.Contains(spent, v.Expect) && after != "0 requests before" {
		t.Errorf("the instance was used again: %s", after)
	}
}

// good has the frontend do what it should, and says what it says of itself.
func (r *hostRig) good(t *testing.T, h *host.Host) string {
	t.Helper()
	checked, err := h.Check(t.Context(), host.Source{Name: "Hostile", Content: []byte("look requests\nreport\n")})
	if err != nil {
		t.Fatalf("a good build file: %s", words(err))
	}
	return messages(checked)[1]
}

// compare looks at an answer, and whether another instance gives the same.
func (r *hostRig) compare(t *testing.T, v *vectors.Host, source host.Source, got *host.Checked) {
	t.Helper()
	if v.Want != nil && !slices.Equal(messages(got), v.Want) {
		t.Errorf("got %q, want %q", messages(got), v.Want)
	}
	again, err := r.open(t, v).Check(t.Context(), source)
	if err != nil {
		t.Fatalf("in another instance: %s", words(err))
	}
	if v.Want == nil && !slices.Equal(messages(got), messages(again)) || !got.Build.EqualVT(again.Build) {
		t.Errorf("got %q, and in another instance %q", messages(got), messages(again))
	}
}

func messages(c *host.Checked) []string {
	var list []string
	for _, d := range c.Diagnostics {
		list = append(list, d.GetMessage())
	}
	return list
}

// isClass reports whether a check ended so.
func isClass(class string, err error) bool {
	var input *host.InputError
	var plugin *host.PluginError
	switch {
	case class == "ok":
		return err == nil
	case class == "input":
		return errors.As(err, &input)
	case errors.As(err, &plugin):
		return plugin.ID == "hostile" && len(plugin.Stderr) <= maxStderr && classes[class].MatchString(plugin.Message)
	}
	return false
}

// words are all that an error says.
func words(err error) string {
	var plugin *host.PluginError
	if errors.As(err, &plugin) {
		return fmt.Sprintf("%v; on stderr %d bytes: %.200q", err, len(plugin.Stderr), plugin.Stderr)
	}
	return fmt.Sprintf("%T: %v", err, err)
}

// cancel interrupts checks: a user does not wait for the time-out of a frontend.
func (r *hostRig) cancel(t *testing.T) {
	h := r.open(t, &vectors.Host{})
	for _, content := range []string{"again\n", "# silence\n"} {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		began := time.Now()
		_, err := h.Check(ctx, host.Source{Name: "Hostile", Content: []byte(content)})
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 5*time.Second {
			t.Errorf("%q: %v after %v", content, err, time.Since(began))
		}
		r.good(t, h)
	}
}

// source is the build file of a vector, in a folder with a secret beside it.
func (r *hostRig) source(t *testing.T, v *vectors.Host) host.Source {
	t.Helper()
	dir := t.TempDir()
	context := filepath.Join(dir, "context")
	if err := errors.Join(os.Mkdir(context, 0o700), os.WriteFile(filepath.Join(dir, "secret"), []byte("secret"), 0o600)); err != nil {
		t.Fatal(err)
	}
	return host.Source{Name: "Hostile", Path: filepath.Join(context, "Hostile"), Content: v.Content()}
}
