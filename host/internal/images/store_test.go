// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/zlayer/zlayer/host/internal/registry"
)

// TestMain lets the test binary be a second process that uses a store.
func TestMain(m *testing.M) {
	dir := os.Getenv("ZLAYER_TEST_STORE")
	if dir == "" {
		os.Exit(m.Run())
	}
	if os.Getenv("ZLAYER_TEST_FULL") != "" {
		fillDisk()
	}
	use := useStore
	if os.Getenv("ZLAYER_TEST_OBTAIN") != "" {
		use = obtain
	}
	if err := use(dir, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// other returns a command that uses the store in a folder.
func other(dir, who string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], who)
	cmd.Env = append(os.Environ(), "ZLAYER_TEST_STORE="+dir)
	return cmd
}

const rounds = 15

// useStore makes and tags images, and reads the index all the while.
func useStore(dir, who string) error {
	s, err := Open(dir, registry.New(registry.Options{}))
	if err != nil {
		return err
	}
	for i := range rounds {
		img, err := emptyImage(s, fmt.Sprintf("%s-%d", who, i))
		if err != nil {
			return err
		}
		if err := s.Tag(context.Background(), img.Digest, fmt.Sprintf("%s:%d", who, i)); err != nil {
			return err
		}
		if err := s.Tag(context.Background(), img.Digest, "shared"); err != nil {
			return err
		}
		if _, err := s.List(); err != nil {
			return err
		}
	}
	return nil
}

// emptyImage makes an image without layers and with one label.
func emptyImage(s *Store, label string) (*Image, error) {
	c := twoStages(scratch)
	c.Stages = c.Stages[:1]
	c.Stages[0].Text = label
	c.Stages[0].Steps = steps("LABEL " + label)
	return s.Assemble(context.Background(), Build{Container: c, Created: time.Unix(1, 0)})
}

func TestProcessesAndGoroutinesAtOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	var wg sync.WaitGroup
	for i := range 2 {
		wg.Go(func() {
			if err := useStore(dir, fmt.Sprintf("goroutine%d", i)); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			if out, err := other(dir, fmt.Sprintf("process%d", i)).CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	wg.Wait()
	s, err := Open(dir, registry.New(registry.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	list, err := s.List()
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 4*rounds+1 {
		t.Errorf("%d images, want %d: a change was lost", len(list), 4*rounds+1)
	}
	checkLayout(t, dir, list[0].Digest)
}

func TestImageWithoutLayersHasLists(t *testing.T) {
	s := openStore(t, registry.Options{})
	img, err := emptyImage(s, "x")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := s.readBlob(v1.Hash{Algorithm: "sha256", Hex: strings.TrimPrefix(img.Digest, "sha256:")})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(raw), `"layers":[]`) || !strings.Contains(string(img.RawConfig), `"diff_ids":[]`) {
		t.Errorf("null where the specification wants a list: %s %s", raw, img.RawConfig)
	}
}

func TestPermissions(t *testing.T) {
	s := openStore(t, registry.Options{})
	if _, err := emptyImage(s, "x"); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(s.Dir(), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("others may touch %s: %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestInterruptedWrites leaves behind what a process leaves that is killed at
// the worst moments.
func TestInterruptedWrites(t *testing.T) {
	s := openStore(t, registry.Options{})
	img, err := emptyImage(s, "x")
	if err != nil {
		t.Fatal(err)
	}
	// Killed while writing a blob, and before the index was changed.
	w, err := s.newBlob()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, "half a blob"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.putBlob([]byte("a blob that no image has")); err != nil {
		t.Fatal(err)
	}
	// Killed while holding the lock: the system lets go of it, the file stays.
	if _, err := os.Stat(s.path(lockFile)); err != nil {
		t.Fatal(err)
	}
	again, err := Open(s.Dir(), registry.New(registry.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := again.Inspect(img.Digest, nil); err != nil || got.Digest != img.Digest {
		t.Errorf("the image is not there: %v", err)
	}
	if _, err := emptyImage(again, "y"); err != nil {
		t.Error(err)
	}
	// What is being written stays; what the dead left is swept away.
	if left, _ := os.ReadDir(s.path(tempDir)); len(left) != 1 {
		t.Fatalf("temporary files of the living: %v", left)
	}
	w.file.letGo()
	if _, err := Open(s.Dir(), registry.New(registry.Options{})); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(s.path(tempDir)); len(left) != 0 {
		t.Errorf("temporary files of the dead: %v", left)
	}
}

// TestKilled kills a process that uses the store, at any moment.
func TestKilled(t *testing.T) {
	s := openStore(t, registry.Options{})
	for i := range 6 {
		cmd := other(s.Dir(), fmt.Sprintf("process%d", i))
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(20+15*i) * time.Millisecond)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		index, err := s.index()
		if err != nil {
			t.Fatal(err)
		}
		list, err := s.List()
		if err != nil || len(list) != len(index.Manifests) {
			t.Fatalf("%d of %d images can be read: %v", len(list), len(index.Manifests), err)
		}
	}
	if err := useStore(s.Dir(), "afterwards"); err != nil {
		t.Error(err)
	}
}

// TestFailingWrites makes the store read-only in the places it writes to, as a
// full disk does: nothing new appears and all that was there can be read.
func TestFailingWrites(t *testing.T) {
	s := openStore(t, registry.Options{})
	img, err := emptyImage(s, "x")
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(s.path(indexFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(s.path(tempDir), s.path("moved")); err != nil {
		t.Fatal(err)
	}
	if _, err := emptyImage(s, "y"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("assembling: %v", err)
	}
	if err := s.Tag(context.Background(), img.Digest, "t"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("tagging: %v", err)
	}
	after, err := os.ReadFile(s.path(indexFile))
	if err != nil || string(after) != string(before) {
		t.Errorf("the index has changed: %v", err)
	}
	if list, err := s.List(); err != nil || len(list) != 1 {
		t.Errorf("listing: %v, %v", list, err)
	}
}

func TestDamagedBlobIsFoundAndReplaced(t *testing.T) {
	host := serve(t, nil)
	write(t, host+"/app", randomImage(t, "linux/amd64"))
	s := openStore(t, registry.Options{})
	img := resolve(t, s, host+"/app", "")
	h, err := v1.NewHash(img.Layers[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(s.blobPath(h))
	if err != nil {
		t.Fatal(err)
	}
	data[100] ^= 1
	if err := os.WriteFile(s.blobPath(h), data, 0o600); err != nil {
		t.Fatal(err)
	}
	out := Output{Form: FormArchive, Path: filepath.Join(t.TempDir(), "a.tar")}
	err = s.Save(context.Background(), host+"/app", out)
	wantKind(t, err, KindDamaged, "again")
	if left, _ := os.ReadDir(filepath.Dir(out.Path)); len(left) != 0 {
		t.Errorf("half an archive is left: %v", left)
	}
	if s.Has(img.Digest) {
		t.Error("the store says that it has all of the image")
	}
	resolve(t, s, host+"/app", "")
	if !s.Has(img.Digest) {
		t.Error("the store says that it does not have the image")
	}
	if err := s.Save(context.Background(), host+"/app", out); err != nil {
		t.Error(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, layoutFile), []byte(`{"imageLayoutVersion":"2.0.0"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, registry.New(registry.Options{})); err == nil || !strings.Contains(err.Error(), "2.0.0") {
		t.Errorf("newer layout: %v", err)
	}
	if _, err := Open(filepath.Join(dir, layoutFile), registry.New(registry.Options{})); err == nil {
		t.Error("a file was opened as a store")
	}
}

func TestTags(t *testing.T) {
	ctx := context.Background()
	s := openStore(t, registry.Options{})
	a, err := emptyImage(s, "a")
	if err != nil {
		t.Fatal(err)
	}
	b, err := emptyImage(s, "b")
	if err != nil {
		t.Fatal(err)
	}
	references := func() []string {
		list, err := s.List()
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, img := range list {
			names = append(names, img.Reference+" "+map[string]string{a.Digest: "a", b.Digest: "b"}[img.Digest])
		}
		slices.Sort(names)
		return names
	}
	do := func(err error, want ...string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if got := references(); !slices.Equal(got, want) {
			t.Errorf("references are %q, want %q", got, want)
		}
	}
	do(nil, " a", " b")
	do(s.Tag(ctx, a.Digest, "one"), " b", "docker.io/library/one:latest a")
	do(s.Tag(ctx, "one", "r.example/x:2"), " b", "docker.io/library/one:latest a", "r.example/x:2 a")
	do(s.Tag(ctx, b.Digest[7:17], "one"), "docker.io/library/one:latest b", "r.example/x:2 a")
	do(s.Tag(ctx, b.Digest, "r.example/x:2"), " a", "docker.io/library/one:latest b", "r.example/x:2 b")

	wantKind(t, s.Tag(ctx, "nothing", "y"), KindNotFound, "zlayer images")
	wantKind(t, s.Tag(ctx, a.Digest, "y@"+a.Digest), KindReference)
	wantRegistry(t, s.Tag(ctx, a.Digest, "Y"), registry.KindReference, "not an image reference")
}
