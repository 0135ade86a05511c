// SPDX-License-Identifier: Apache-2.0

//go:build system

package supervisor_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

// wantNothingLeft looks for processes, mounts and folders of the rig's builds.
func (r *rig) wantNothingLeft() {
	r.t.Helper()
	if left := processes(r.state); left != "" {
		r.t.Errorf("a process is left: %s", left)
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	must(r.t, err)
	if bytes.Contains(mounts, []byte(filepath.Dir(r.state))) {
		r.t.Errorf("mounts are left:\n%s", mounts)
	}
	for _, dir := range []string{filepath.Join(r.state, "jobs"), r.temp} {
		filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() || err == nil && filepath.Dir(path) == filepath.Join(r.state, "jobs") {
				r.t.Errorf("%s is left", path)
			}
			return nil
		})
	}
	layers, err := os.ReadFile(filepath.Join(r.state, "storage/overlay-layers/layers.json"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.t.Error(err)
	}
	if bytes.Contains(layers, []byte("draft-")) {
		r.t.Error("a draft is left")
	}
}

// processes returns a process that has something open or mounted below dir.
func processes(dir string) string {
	all, _ := filepath.Glob("/proc/[0-9]*/mounts")
	for _, file := range all {
		if filepath.Base(filepath.Dir(file)) == strconv.Itoa(os.Getpid()) {
			continue
		}
		if text, err := os.ReadFile(file); err == nil && bytes.Contains(text, []byte(dir)) {
			line, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline"))
			return file + " " + string(bytes.ReplaceAll(line, []byte{0}, []byte(" ")))
		}
	}
	return ""
}

func TestCache(t *testing.T) {
	r := newRig(t)
	ctx := r.context(map[string]string{"a": "1", "b": "1"})
	base := r.busybox()
	first := r.stage(base, exec(sh("echo $RANDOM >/r")), copyTo(ctx, "/", "a"), workdir("/srv", ""), workdir("/made", "web"))
	r.stage(first, copyTo(ctx, "/", "b"), copyTo(first, "/copied/", "r"))
	one, files := r.mustBuild()
	if files["r"].content != files["copied/r"].content {
		t.Error("the file copied from the stage differs")
	}
	two, _ := r.mustBuild()
	if two.cached() != 6 || two.artifact.Handle != one.artifact.Handle {
		t.Errorf("the second build is not cached: %v", two.steps)
	}
	if len(one.artifact.Blobs) != 5 {
		t.Errorf("blobs are %v", one.artifact.Blobs)
	}
	for i, b := range one.artifact.Blobs {
		if !b.EqualVT(two.artifact.Blobs[i]) {
			t.Errorf("blob %d is %v, then %v", i, b, two.artifact.Blobs[i])
		}
	}

	must(t, os.WriteFile(filepath.Join(r.contexts[0].Path, "b"), []byte("2"), 0o644))
	three, files := r.mustBuild()
	if three.cached() != 4 || files["b"].content != "2" {
		t.Errorf("after a change of b: %v", three.steps)
	}
	must(t, os.WriteFile(filepath.Join(r.contexts[0].Path, "unrelated"), []byte("x"), 0o644))
	must(t, os.Chtimes(filepath.Join(r.contexts[0].Path, "b"), time.Unix(1, 0), time.Unix(1, 0)))
	if o, _ := r.mustBuild(); o.cached() != 6 {
		t.Errorf("after a change of something else: %v", o.steps)
	}
	r.noCache = true
	if o, _ := r.mustBuild(); o.cached() != 0 {
		t.Errorf("with no cache: %v", o.steps)
	}
}

func TestHasAndRemove(t *testing.T) {
	r := newRig(t)
	base := r.busybox()
	ctx := context.Background()
	r.stage(base, exec(sh("echo 1 >/1")), exec(sh("echo 2 >/2")))
	one, _ := r.mustBuild()
	r.container.Stages[0].Steps[1] = exec(sh("echo other >/2"))
	two, _ := r.mustBuild()
	has := func(handle string, want bool) {
		t.Helper()
		got, err := r.Has(ctx, &backendv1.HasRequest{StateDir: r.state, Handle: handle})
		if err != nil || got != want {
			t.Errorf("Has(%s) = %v, %v; want %v", handle, got, err, want)
		}
	}
	has(one.artifact.Handle, true)
	has("nothing", false)
	must(t, r.Remove(ctx, &backendv1.RemoveRequest{StateDir: r.state, Handles: []string{one.artifact.Handle, "nothing"}}))
	has(one.artifact.Handle, false)
	has(two.artifact.Handle, true)
	r.export(two.artifact) // what both have is still there
	must(t, r.Remove(ctx, &backendv1.RemoveRequest{StateDir: r.state, Handles: []string{two.artifact.Handle}}))
	text, err := os.ReadFile(filepath.Join(r.state, "storage/overlay-layers/layers.json"))
	if err != nil || strings.TrimSpace(string(text)) != "[]" {
		t.Errorf("layers are left: %s, %v", text, err)
	}
	if o, _ := r.mustBuild(); o.cached() != 0 {
		t.Errorf("removed layers are used: %v", o.steps)
	}
}

func TestNoLayers(t *testing.T) {
	r := newRig(t)
	r.stage(r.busybox(), workdir("/srv", ""))
	o, _ := r.mustBuild()
	if len(o.artifact.Blobs) != 0 || !strings.HasPrefix(o.artifact.Handle, "scratch:") {
		t.Errorf("artifact is %v", o.artifact)
	}
	if ok, err := r.Has(context.Background(), &backendv1.HasRequest{StateDir: r.state, Handle: o.artifact.Handle}); !ok || err != nil {
		t.Errorf("Has = %v, %v", ok, err)
	}
}

func TestCancel(t *testing.T) {
	r := newRig(t)
	step := sh("echo started; (sleep 1000 & sleep 1000 & wait) & echo x >/dirty; sleep 1000")
	r.stage(r.busybox(), with(step))
	ctx, cancel := context.WithCancel(context.Background())
	rec := &record{rig: r, seen: func(line string) {
		if strings.Contains(line, "started") {
			cancel()
		}
	}}
	_, err := r.Build(ctx, r.start(), rec)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	r.wantNothingLeft()

	r.container.Stages[0].Steps[0] = exec(sh("echo fine >/fine"))
	_, files := r.mustBuild()
	files.want(t, `0 0644 0:0 fine "fine\n"`)
}

func TestTwoBuildsAtOnce(t *testing.T) {
	r := newRig(t)
	base := r.busybox()
	r.stage(base, exec(sh("echo common >/common; sleep 0.3")), exec(sh("cat /common >/again")))
	starts := []*backendv1.Start{r.start(), r.start(), r.start()}
	var wait sync.WaitGroup
	for _, start := range starts {
		wait.Go(func() {
			rec := &record{rig: r}
			a, err := r.Build(context.Background(), start, rec)
			if err != nil {
				t.Errorf("build: %v\n%s", err, rec.stderr.String())
				return
			}
			r.export(a).want(t, `0 0644 0:0 again "common\n"`, `0 0644 0:0 common "common\n"`)
		})
	}
	wait.Wait()
	r.wantNothingLeft()
}

func TestSameBytesElsewhere(t *testing.T) {
	digests := func() []string {
		r := newRig(t)
		ctx := r.context(map[string]string{"d/b": "b", "d/a": "a", "x.txt": "x", "link": "-> x.txt"})
		must(t, filepath.WalkDir(r.contexts[0].Path, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.Type()&fs.ModeSymlink != 0 {
				return err
			}
			return os.Chtimes(path, time.Unix(1e9, 0), time.Unix(1e9, 0))
		}))
		must(t, os.Remove(filepath.Join(r.contexts[0].Path, "link")))
		r.stage(r.busybox(), copyTo(ctx, "/into/", "d", "x.txt"), workdir("/w", "web"),
			exec(sh("mkdir -p /z/y /a; echo 1 >/z/1; ln /z/1 /a/2; touch -d @5 /z/1 /z /z/y /a")))
		o, _ := r.mustBuild()
		var all []string
		for _, b := range o.artifact.Blobs {
			all = append(all, b.Digest)
		}
		return all
	}
	one, two := digests(), digests()
	if len(one) != 3 || strings.Join(one, " ") != strings.Join(two, " ") {
		t.Errorf("digests are %v, then %v", one, two)
	}
}

func TestDamagedImage(t *testing.T) {
	r := newRig(t)
	r.stage(r.busybox(), exec(sh("true")))
	blobs, _ := filepath.Glob(filepath.Join(r.images, "blobs/sha256/*"))
	for _, b := range blobs {
		if info, err := os.Stat(b); err == nil && info.Size() > 10000 {
			must(t, os.Truncate(b, info.Size()/2))
		}
	}
	o := r.build()
	var f *backend.Failure
	if !errors.As(o.err, &f) || f.Kind == backendv1.FailureKind_FAILURE_KIND_SOURCE {
		t.Errorf("error is %v", o.err)
	}
	r.wantNothingLeft()
}
