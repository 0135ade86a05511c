// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/driver"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/plugintest"
)

// project is a build with all kinds of inputs:
//
//	0.0 COPY tool    0.1 RUN compile
//	1.0 COPY app     1.1 COPY --from=0 compile     1.2 RUN --mount=bind,source=conf
//	1.3 COPY --link --chown=1 link
type project struct {
	tool, app, link *irv1.Transfer
	compile, use    *irv1.Exec
	platform        *irv1.Platform
}

func newProject() *project {
	return &project{
		tool:    &irv1.Transfer{From: context0(), Sources: []string{"tool"}, Destination: "/"},
		compile: &irv1.Exec{Argv: []string{"compile"}},
		app:     &irv1.Transfer{From: context0(), Sources: []string{"app/*.txt"}, Destination: "/app/"},
		use: &irv1.Exec{Argv: []string{"use"}, Mounts: []*irv1.ResolvedMount{
			{Kind: irv1.MountKind_MOUNT_KIND_BIND, From: context0(), Source: "conf", Target: "/conf"},
			{Kind: irv1.MountKind_MOUNT_KIND_BIND, From: stageInput(0), Source: "compile", Target: "/c"},
		}},
		link:     &irv1.Transfer{From: context0(), Sources: []string{"link"}, Destination: "/l", Link: true, Chown: "1"},
		platform: platform,
	}
}

func (p *project) stages() []*irv1.ResolvedStage {
	list := []*irv1.ResolvedStage{
		stage(scratch(), transferStep(p.tool), runWith(p.compile)),
		stage(scratch(), transferStep(p.app), copyFrom(stageInput(0), "/c", "compile"), runWith(p.use), transferStep(p.link)),
	}
	for _, s := range list {
		s.Platform = p.platform
	}
	return list
}

func TestWhatIsCached(t *testing.T) {
	all := []string{"0.0", "0.1", "1.0", "1.1", "1.2", "1.3"}
	tests := []struct {
		name   string
		change func(r *rig, p *project)
		want   []string
	}{
		{"nothing", func(*rig, *project) {}, nil},
		{"a file that nobody reads", func(r *rig, _ *project) { r.write(map[string]string{"other": "x", "app/b.md": "x"}) }, nil},
		{"the time of a file", func(r *rig, _ *project) {
			if err := os.Chtimes(filepath.Join(r.context, "app/a.txt"), time.Now(), time.Unix(1, 0)); err != nil {
				r.t.Fatal(err)
			}
		}, nil},
		{"texts and places", func(_ *rig, p *project) {}, nil},
		{"a file that a glob matches", func(r *rig, _ *project) { r.write(map[string]string{"app/new.txt": "x"}) }, []string{"1.0", "1.1", "1.2"}},
		{"the mode of a file", func(r *rig, _ *project) {
			if err := os.Chmod(filepath.Join(r.context, "app/a.txt"), 0o600); err != nil {
				r.t.Fatal(err)
			}
		}, []string{"1.0", "1.1", "1.2"}},
		{"what the first stage reads", func(r *rig, _ *project) { r.write(map[string]string{"tool": "2"}) }, []string{"0.0", "0.1"}},
		{"what the first stage makes", func(_ *rig, p *project) { p.compile.Argv = append(p.compile.Argv, "-v") }, []string{"0.1", "1.1", "1.2"}},
		{"a bound file", func(r *rig, _ *project) { r.write(map[string]string{"conf": "2"}) }, []string{"1.2"}},
		{"a variable", func(_ *rig, p *project) { p.use.Env = []string{"A=1"} }, []string{"1.2"}},
		{"a linked file", func(r *rig, _ *project) { r.write(map[string]string{"link": "2"}) }, []string{"1.3"}},
		{"an owner", func(_ *rig, p *project) { p.link.Chown = "2" }, []string{"1.3"}},
		{"the platform", func(_ *rig, p *project) {
			p.platform = &irv1.Platform{Os: platform.Os, Architecture: platform.Architecture, Variant: "v9"}
		}, all},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			r.write(map[string]string{"tool": "1", "app/a.txt": "a", "conf": "1", "link": "1"})
			r.driver.on("use", func(context.Context, driver.Command) ([]layer.Entry, error) {
				return []layer.Entry{file("used", "")}, nil
			})
			p := newProject()
			if got := ran(r.must(p.stages()...)); !slices.Equal(got, all) {
				t.Fatalf("the first build ran %v", got)
			}
			tt.change(r, p)
			again := p.stages()
			again[0].Text, again[0].Steps[0].Text = "FROM scratch # other", "COPY  other"
			if diff := cmp.Diff(tt.want, ran(r.must(again...))); diff != "" {
				t.Errorf("what ran again (-want +got):\n%s", diff)
			}
		})
	}
}

// What a stage is called and where it stands does not matter.
func TestStagesAreKnownByWhatTheyAre(t *testing.T) {
	r := newRig(t)
	r.write(map[string]string{"a": "A", "b": "B"})
	first := func() *irv1.ResolvedStage { return stage(scratch(), copyFiles("/", "a")) }
	r.must(first(), stage(scratch(), copyFrom(stageInput(0), "/x", "a")))
	built := r.must(stage(scratch(), copyFiles("/", "b")), first(),
		stage(scratch(), copyFrom(stageInput(1), "/x", "a"), copyFrom(stageInput(0), "/", "b")))
	if got, want := ran(built), []string{"0.0", "2.1"}; !slices.Equal(got, want) {
		t.Errorf("ran %v, want %v", got, want)
	}
}

// A linked copy with an owner by name depends on the users, and on nothing
// else of what it goes onto.
func TestLinkedCopyKnowsTheUsers(t *testing.T) {
	r := newRig(t)
	r.write(map[string]string{"etc/passwd": "bob:x:5:6::/:/\n", "a": "A", "link": "L"})
	build := func() []string {
		r.t.Helper()
		return ran(r.must(stage(scratch(), copyFiles("/etc/", "etc/passwd"), copyFiles("/", "a"),
			transferStep(&irv1.Transfer{From: context0(), Sources: []string{"link"}, Destination: "/l", Link: true, Chown: "bob"}))))
	}
	build()
	r.write(map[string]string{"a": "2"})
	if got, want := build(), []string{"0.1"}; !slices.Equal(got, want) {
		t.Errorf("after another file changed, ran %v, want %v", got, want)
	}
	r.write(map[string]string{"etc/passwd": "bob:x:7:8::/:/\n"})
	if got, want := build(), []string{"0.0", "0.1", "0.2"}; !slices.Equal(got, want) {
		t.Errorf("after the users changed, ran %v, want %v", got, want)
	}
}

func TestNoCache(t *testing.T) {
	r := newRig(t)
	r.write(map[string]string{"a": "A"})
	// Two stages that are the same: one run is enough, also without a cache.
	stages := []*irv1.ResolvedStage{
		stage(scratch(), copyFiles("/", "a"), run("made")),
		stage(scratch(), copyFiles("/", "a"), run("made")),
		stage(scratch(), copyFrom(stageInput(0), "/0", "made"), copyFrom(stageInput(1), "/1", "made")),
	}
	for range 2 {
		start := r.start(stages...)
		start.NoCache = true
		built := plugintest.Build(t, r.backend, start, nil)
		if built.Err != nil {
			t.Fatal(built.Err)
		}
		if got := r.driver.calls(); len(got) != 1 {
			t.Errorf("the command ran %d times, want once", len(got))
		}
	}
	if got := ran(r.must(stages...)); len(got) != 0 {
		t.Errorf("what was built without a cache is not in it: ran %v", got)
	}
}

func TestAStepRunsOnce(t *testing.T) {
	r := newRig(t)
	r.driver.on("slow", func(context.Context, driver.Command) ([]layer.Entry, error) {
		time.Sleep(50 * time.Millisecond)
		return []layer.Entry{file("slow", "")}, nil
	})
	var group sync.WaitGroup
	for i := range 4 {
		start := r.start(stage(scratch(), run("slow")), stage(scratch(), run("slow")), stage(stageInput(0), copyFrom(stageInput(1), "/x", "slow")))
		start.JobId = fmt.Sprint(i)
		group.Go(func() {
			if _, err := r.backend.Build(t.Context(), start, &plugintest.Job{}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if got := r.driver.calls(); len(got) != 1 {
		t.Errorf("the command ran %d times, want once", len(got))
	}
}

// A step whose first run fails is run again by whoever waited for it.
func TestWaitingForAFailure(t *testing.T) {
	r := newRig(t)
	var count atomic.Int32
	r.driver.on("flaky", func(context.Context, driver.Command) ([]layer.Entry, error) {
		if count.Add(1) == 1 {
			time.Sleep(50 * time.Millisecond)
			return nil, errors.New("not this time")
		}
		return []layer.Entry{file("flaky", "")}, nil
	})
	var failed atomic.Int32
	var group sync.WaitGroup
	for i := range 3 {
		start := r.start(stage(scratch(), run("flaky")))
		start.JobId = fmt.Sprint(i)
		group.Go(func() {
			if _, err := r.backend.Build(t.Context(), start, &plugintest.Job{}); err != nil {
				failed.Add(1)
			}
		})
	}
	group.Wait()
	if count.Load() != 2 || failed.Load() != 1 {
		t.Errorf("the command ran %d times and %d builds failed, want 2 and 1", count.Load(), failed.Load())
	}
}

// remote is a server whose one file changes.
type remote struct {
	*httptest.Server
	text  atomic.Value
	asked atomic.Int32
}

func newRemote(t *testing.T, text string) *remote {
	r := &remote{}
	r.text.Store(text)
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		r.asked.Add(1)
		fmt.Fprint(w, r.text.Load())
	}))
	t.Cleanup(r.Close)
	return r
}

func inputsRead(built *plugintest.Built) (list []string) {
	for _, e := range built.Events {
		if in := e.GetInputRead(); in != nil {
			list = append(list, in.Kind+" "+in.Name)
		}
	}
	return list
}

func TestAddOfAURL(t *testing.T) {
	server := newRemote(t, "hello")
	url := server.URL + "/file"
	const hello = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
	add := func(checksum string) *irv1.ResolvedStage {
		return stage(scratch(), transferStep(&irv1.Transfer{Add: true, From: context0(), Sources: []string{url}, Destination: "/", Checksum: checksum}))
	}
	r := newRig(t)
	tests := []struct {
		name     string
		checksum string
		text     string
		ran      bool
		asks     int32
		reports  bool
	}{
		{"first", "", "hello", true, 1, true},
		{"again", "", "hello", false, 1, true},
		{"changed", "", "other", true, 1, true},
		{"with a checksum", hello, "hello", true, 1, false},
		{"with a checksum, again", hello, "gone", false, 0, false},
	}
	for _, tt := range tests {
		server.text.Store(tt.text)
		server.asked.Store(0)
		built := r.must(add(tt.checksum))
		if got := len(ran(built)) > 0; got != tt.ran {
			t.Errorf("%s: ran is %v", tt.name, got)
		}
		if got := server.asked.Load(); got != tt.asks {
			t.Errorf("%s: %d requests, want %d", tt.name, got, tt.asks)
		}
		if got := inputsRead(built); tt.reports != slices.Equal(got, []string{"url " + url}) {
			t.Errorf("%s: reports %v", tt.name, got)
		}
	}
	server.text.Store("other")
	start := r.start(add(hello))
	start.NoCache = true
	if built := plugintest.Build(t, r.backend, start, nil); built.Err == nil || !strings.Contains(built.Err.Error(), "not "+hello) {
		t.Errorf("another content than the checksum's ended with %v", built.Err)
	}
}

// Secrets are asked for when a command runs, and are nowhere afterwards.
func TestSecrets(t *testing.T) {
	const secret = "correct horse battery staple"
	r := newRig(t)
	var env []string
	r.driver.on("use", func(_ context.Context, c driver.Command) ([]layer.Entry, error) {
		env = c.Exec.Env
		if len(c.Mounts) != 1 || string(c.Mounts[0].Secret.Data) != secret || c.Mounts[0].Secret.Mode != 0o400 {
			return nil, fmt.Errorf("mounts are %v", c.Mounts)
		}
		return []layer.Entry{file("used", "")}, nil
	})
	step := runWith(&irv1.Exec{Argv: []string{"use"}, Env: []string{"A=1"}, Mounts: []*irv1.ResolvedMount{
		{Kind: irv1.MountKind_MOUNT_KIND_SECRET, Id: "s", Target: "/run/s", Env: "S", Mode: 0o400, Required: true},
		{Kind: irv1.MountKind_MOUNT_KIND_SECRET, Id: "not given", Target: "/run/t"},
	}})
	built := plugintest.Build(t, r.backend, r.start(stage(scratch(), step)), &plugintest.Job{Secrets: map[string][]byte{"s": []byte(secret)}})
	if built.Err != nil {
		t.Fatal(built.Err)
	}
	if want := []string{"A=1", "S=" + secret, "HOME=/"}; !slices.Equal(env, want) {
		t.Errorf("environment is %q, want %q", env, want)
	}
	if built := plugintest.Build(t, r.backend, r.start(stage(scratch(), step)), nil); built.Err != nil || len(ran(built)) > 0 {
		t.Errorf("the same step without the secret: ran %v, %v", ran(built), built.Err)
	}
	err := filepath.WalkDir(r.state, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if strings.Contains(string(text), secret) {
			t.Errorf("%s holds the secret", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The same build makes the same bytes in two places.
func TestDeterminism(t *testing.T) {
	var digests [2][]string
	for i := range digests {
		r := newRig(t)
		r.write(map[string]string{"tool": "1", "app/a.txt": "a", "app/b.txt": "b", "conf": "1", "link": "1"})
		for _, name := range []string{"tool", "app/a.txt", "app/b.txt", "conf", "link", "app"} {
			if err := os.Chtimes(filepath.Join(r.context, name), time.Now(), time.Unix(1e9, 5)); err != nil {
				t.Fatal(err)
			}
		}
		built := r.must(newProject().stages()...)
		for _, b := range built.Artifact.Blobs {
			digests[i] = append(digests[i], b.Digest)
		}
		digests[i] = append(digests[i], built.Artifact.Handle)
	}
	if diff := cmp.Diff(digests[0], digests[1]); diff != "" {
		t.Errorf("layers differ (-one +other):\n%s", diff)
	}
}

// BenchmarkNothingToDo is a build of 27 steps in 3 stages that are all known.
func BenchmarkNothingToDo(b *testing.B) {
	r := newRig(b)
	r.write(map[string]string{"a": "A"})
	var stages []*irv1.ResolvedStage
	for n := range 3 {
		s := stage(scratch())
		if n > 0 {
			s.Base = stageInput(uint32(n - 1))
		}
		for i := range 3 {
			dir := fmt.Sprintf("/%d/%d", n, i)
			s.Steps = append(s.Steps, workdir(dir), copyFiles(dir+"/", "a"), run("made", dir))
		}
		stages = append(stages, s)
	}
	r.must(stages...)
	for b.Loop() {
		if _, err := r.backend.Build(b.Context(), r.start(stages...), &plugintest.Job{}); err != nil {
			b.Fatal(err)
		}
	}
}
