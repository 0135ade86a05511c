// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/driver"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/plugintest"
)

// describe lists what a command sees beside its root.
func describe(c driver.Command) string {
	var list []string
	for _, m := range c.Mounts {
		var what string
		switch {
		case m.Tree != nil:
			what = "tree " + listing(m.Tree)
		case m.Folder != nil:
			what = fmt.Sprintf("cache mode=%o uid=%d gid=%d", m.Folder.Mode, m.Folder.UID, m.Folder.GID)
			if m.Folder.Seed != nil {
				what += " seed " + listing(m.Folder.Seed)
			}
		case m.Tmpfs != nil:
			what = fmt.Sprintf("tmpfs size=%d", m.Tmpfs.Size)
		case m.Secret != nil:
			what = fmt.Sprintf("secret %s mode=%o uid=%d", m.Secret.Data, m.Secret.Mode, m.Secret.UID)
		case m.Socket != nil:
			what = fmt.Sprintf("socket %s mode=%o gid=%d", m.Socket.Path, m.Socket.Mode, m.Socket.GID)
		}
		if m.ReadOnly {
			what += " ro"
		}
		list = append(list, m.Target+": "+what)
	}
	return strings.Join(list, "\n")
}

// listing lists the files of a subtree.
func listing(s *driver.Subtree) string {
	var names []string
	err := s.Chain.Tree.Walk(s.Path, func(name string, n *tree.Node) error {
		names = append(names, strings.TrimPrefix(strings.TrimPrefix(name, s.Path), "/"))
		return nil
	})
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%q", names)
}

func TestMounts(t *testing.T) {
	const (
		bind, cache, tmpfs = irv1.MountKind_MOUNT_KIND_BIND, irv1.MountKind_MOUNT_KIND_CACHE, irv1.MountKind_MOUNT_KIND_TMPFS
		secret, ssh        = irv1.MountKind_MOUNT_KIND_SECRET, irv1.MountKind_MOUNT_KIND_SSH
	)
	tests := []struct {
		name  string
		mount *irv1.ResolvedMount
		want  string
	}{
		{"context", &irv1.ResolvedMount{Kind: bind, From: context0(), Source: ".", Target: "/m", Readonly: true}, `/m: tree ["" "d" "d/x[1]" "f"] ro`},
		{"folder", &irv1.ResolvedMount{Kind: bind, From: context0(), Source: "d", Target: "/m"}, `/m: tree ["" "x[1]"]`},
		{"file", &irv1.ResolvedMount{Kind: bind, From: context0(), Source: "f", Target: "/m"}, `/m: tree [""]`},
		{"strange name", &irv1.ResolvedMount{Kind: bind, From: context0(), Source: "d/x[1]", Target: "/m"}, `/m: tree [""]`},
		{"stage", &irv1.ResolvedMount{Kind: bind, From: stageInput(0), Source: "s", Target: "/m"}, `/m: tree ["" "f"]`},
		{"scratch", &irv1.ResolvedMount{Kind: bind, From: scratch(), Source: ".", Target: "/m"}, `/m: tree [""]`},
		{"cache", &irv1.ResolvedMount{Kind: cache, Target: "/m", Id: "i", Mode: 0o700, Uid: 5, Gid: 6}, `/m: cache mode=700 uid=5 gid=6`},
		{"seeded cache", &irv1.ResolvedMount{Kind: cache, Target: "/m", Id: "i", Mode: 0o755, From: stageInput(0), Source: "s"}, `/m: cache mode=755 uid=0 gid=0 seed ["" "f"]`},
		{"tmpfs", &irv1.ResolvedMount{Kind: tmpfs, Target: "/m", Size: 7}, `/m: tmpfs size=7`},
		{"secret", &irv1.ResolvedMount{Kind: secret, Target: "/m", Id: "s", Mode: 0o440, Uid: 3, Readonly: true}, `/m: secret psst mode=440 uid=3 ro`},
		{"secret variable", &irv1.ResolvedMount{Kind: secret, Id: "s", Env: "S"}, ``},
		{"no secret", &irv1.ResolvedMount{Kind: secret, Target: "/m", Id: "none"}, ``},
		{"agent", &irv1.ResolvedMount{Kind: ssh, Target: "/m", Id: "default", Mode: 0o600, Gid: 4}, `/m: socket /agent mode=600 gid=4`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			r.write(map[string]string{"f": "F", "d/x[1]": "X", "hidden": "no"})
			var got string
			r.driver.on("look", func(_ context.Context, c driver.Command) ([]layer.Entry, error) {
				got = describe(c)
				return nil, nil
			})
			start := r.start(stage(scratch(), copyFiles("/s/", "f")), stage(scratch(), runWith(&irv1.Exec{Argv: []string{"look"}, Mounts: []*irv1.ResolvedMount{tt.mount}}),
				copyFrom(stageInput(0), "/", "s")))
			start.Contexts[0].Ignore = []string{"hidden"}
			job := &plugintest.Job{Secrets: map[string][]byte{"s": []byte("psst")}, Agents: map[string]string{"default": "/agent"}}
			if built := plugintest.Build(t, r.backend, start, job); built.Err != nil {
				t.Fatal(built.Err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("mounts (-want +got):\n%s", diff)
			}
		})
	}
}

// users are builds whose commands use one cache at once.
func (r *rig) users(n int, sharing irv1.Sharing, use func(dir string) error) {
	r.t.Helper()
	r.driver.on("use", func(_ context.Context, c driver.Command) ([]layer.Entry, error) {
		return nil, use(c.Mounts[0].Folder.Path)
	})
	var group sync.WaitGroup
	for i := range n {
		start := r.start(stage(scratch(), runWith(&irv1.Exec{Argv: []string{"use", fmt.Sprint(i)}, Mounts: []*irv1.ResolvedMount{
			{Kind: irv1.MountKind_MOUNT_KIND_CACHE, Id: "i", Target: "/c", Sharing: sharing},
		}})))
		start.JobId = fmt.Sprint(i)
		group.Go(func() {
			if _, err := r.backend.Build(r.t.Context(), start, &plugintest.Job{}); err != nil {
				r.t.Error(err)
			}
		})
	}
	group.Wait()
}

func TestSharedCache(t *testing.T) {
	r := newRig(t)
	var all sync.WaitGroup
	all.Add(3)
	var mu sync.Mutex
	var dirs []string
	r.users(3, irv1.Sharing_SHARING_SHARED, func(dir string) error {
		mu.Lock()
		dirs = append(dirs, dir)
		mu.Unlock()
		all.Done()
		all.Wait() // all use it at once
		return nil
	})
	if dirs = slices.Compact(dirs); len(dirs) != 1 {
		t.Errorf("caches are %v, want one", dirs)
	}
}

func TestPrivateCache(t *testing.T) {
	r := newRig(t)
	var all sync.WaitGroup
	all.Add(3)
	var mu sync.Mutex
	var dirs []string
	r.users(3, irv1.Sharing_SHARING_PRIVATE, func(dir string) error {
		mu.Lock()
		dirs = append(dirs, dir)
		mu.Unlock()
		all.Done()
		all.Wait()
		return nil
	})
	slices.Sort(dirs)
	if dirs = slices.Compact(dirs); len(dirs) != 3 {
		t.Errorf("caches are %v, want three", dirs)
	}
}

func TestLockedCache(t *testing.T) {
	r := newRig(t)
	r.users(3, irv1.Sharing_SHARING_LOCKED, func(dir string) error {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return errors.New("somebody else uses the cache")
		}
		time.Sleep(10 * time.Millisecond)
		return os.Remove(dir)
	})
}

// A step that mounts a cache twice, and steps that lock the same ones in
// another order, do not wait for themselves or each other.
func TestLocksHaveAnOrder(t *testing.T) {
	r := newRig(t)
	mount := func(id, target string) *irv1.ResolvedMount {
		return &irv1.ResolvedMount{Kind: irv1.MountKind_MOUNT_KIND_CACHE, Id: id, Target: target, Sharing: irv1.Sharing_SHARING_LOCKED}
	}
	r.driver.on("use", func(_ context.Context, c driver.Command) ([]layer.Entry, error) {
		if c.Mounts[0].Folder.Path != c.Mounts[2].Folder.Path {
			return nil, errors.New("one cache has two folders")
		}
		time.Sleep(time.Millisecond)
		return nil, nil
	})
	var stages []*irv1.ResolvedStage
	last := stage(scratch())
	for i := range 8 {
		a, b := "a", "b"
		if i%2 == 1 {
			a, b = b, a
		}
		stages = append(stages, stage(scratch(), runWith(&irv1.Exec{Argv: []string{"use", fmt.Sprint(i)}, Mounts: []*irv1.ResolvedMount{
			mount(a, "/1"), mount(b, "/2"), mount(a, "/3"),
		}})))
		last.Steps = append(last.Steps, copyFrom(stageInput(uint32(i)), fmt.Sprint("/", i), "."))
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := r.backend.Build(ctx, r.start(append(stages, last)...), &plugintest.Job{}); err != nil {
		t.Error(err)
	}
}

// What a cache starts with is part of its name; its id alone is not.
func TestCachesBySeed(t *testing.T) {
	r := newRig(t)
	r.write(map[string]string{"a/x": "A", "b/x": "B"})
	dirs := map[string]string{}
	r.driver.on("use", func(_ context.Context, c driver.Command) ([]layer.Entry, error) {
		dirs[c.Exec.Argv[1]] = filepath.Dir(c.Mounts[0].Folder.Path)
		return nil, nil
	})
	use := func(name, id string, from *irv1.Input, source string) {
		r.must(stage(scratch(), runWith(&irv1.Exec{Argv: []string{"use", name}, Mounts: []*irv1.ResolvedMount{
			{Kind: irv1.MountKind_MOUNT_KIND_CACHE, Id: id, Target: "/c", From: from, Source: source},
		}})))
	}
	use("plain", "i", nil, "")
	use("again", "i", nil, "")
	use("scratch", "i", scratch(), ".")
	use("other id", "j", nil, "")
	use("seed a", "i", context0(), "a")
	use("seed a again", "i", context0(), "a")
	use("seed b", "i", context0(), "b")
	if dirs["plain"] != dirs["again"] || dirs["plain"] != dirs["scratch"] || dirs["seed a"] != dirs["seed a again"] {
		t.Errorf("the same cache has two folders: %v", dirs)
	}
	seen := map[string]bool{}
	for _, name := range []string{"plain", "other id", "seed a", "seed b"} {
		if seen[dirs[name]] {
			t.Errorf("two caches have one folder: %v", dirs)
		}
		seen[dirs[name]] = true
	}
}
