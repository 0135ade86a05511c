// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zlayer/zlayer/host/internal/registry"
)

// blobs are the names of the files in the store.
func blobs(t *testing.T, s *Store) []string {
	t.Helper()
	var names []string
	for _, dir := range []string{blobsDir, packedDir} {
		entries, err := os.ReadDir(s.path(dir))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			names = append(names, e.Name())
		}
	}
	return names
}

func remove(t *testing.T, s *Store, force bool, words ...string) *Removed {
	t.Helper()
	got, err := s.Remove(context.Background(), words, force)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestRemove(t *testing.T) {
	ctx := context.Background()
	s := openStore(t, registry.Options{})
	host := serve(t, nil)
	write(t, host+"/app", randomImage(t, "linux/amd64"))
	img := resolve(t, s, host+"/app", "")
	tagAs(t, s, img.Digest, "one", "two")

	if got := remove(t, s, false, "one"); !slices.Equal(got.Untagged, []string{"docker.io/library/one:latest"}) || len(got.Images) != 0 || got.Bytes != 0 {
		t.Errorf("got %+v", got)
	}
	_, err := s.Remove(ctx, []string{img.Digest}, false)
	wantKind(t, err, KindInUse, "several names", "two", "--force")
	_, err = s.Remove(ctx, []string{"two", "nothing"}, false)
	wantKind(t, err, KindNotFound)
	if list, _ := s.List(); len(list) != 2 {
		t.Errorf("what could not be done as a whole was done in part: %q", labels(list))
	}
	got := remove(t, s, true, img.Digest[7:19])
	if len(got.Untagged) != 2 || !slices.Equal(got.Images, []string{img.Digest}) || got.Bytes != img.Size || got.Kept {
		t.Errorf("got %+v, the image has %d bytes", got, img.Size)
	}
	if left := blobs(t, s); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	_, err = s.Remove(ctx, []string{img.Digest}, false)
	wantKind(t, err, KindNotFound)
}

func tagAs(t *testing.T, s *Store, image string, references ...string) {
	t.Helper()
	for _, r := range references {
		if err := s.Tag(context.Background(), image, r); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRemoveKeepsWhatOthersNeed removes an image whose base is another one.
func TestRemoveKeepsWhatOthersNeed(t *testing.T) {
	s := openStore(t, registry.Options{})
	images := pulled(t, s, serve(t, nil), "linux/amd64", "linux/arm64")
	list, err := s.CreateList(context.Background(), "many", []string{images["linux/amd64"].Digest, images["linux/arm64"].Digest})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Remove(context.Background(), []string{images["linux/amd64"].Digest}, true)
	wantKind(t, err, KindInUse, "docker.io/library/many:latest")
	if got := remove(t, s, false, images["linux/amd64"].Reference); len(got.Images) != 0 {
		t.Errorf("a part of a list is gone: %+v", got)
	}
	if all, _ := s.List(); len(all) != 2 {
		t.Errorf("the store lists %q", labels(all))
	}
	checkIndex(t, s, list)

	// With the list goes what was only there as a part of it.
	got := remove(t, s, false, "many")
	if want := []string{list.Digest, images["linux/amd64"].Digest}; !slices.Equal(got.Images, want) {
		t.Errorf("gone are %q, want %q", got.Images, want)
	}
	checkLayout(t, s.Dir(), images["linux/arm64"].Digest)
}

// TestRemoveWhileInUse leaves the blobs where they are.
func TestRemoveWhileInUse(t *testing.T) {
	s := openStore(t, registry.Options{})
	img, err := emptyImage(s, "x")
	if err != nil {
		t.Fatal(err)
	}
	release, err := s.Hold(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if got := remove(t, s, false, img.Digest); !got.Kept || got.Bytes != 0 {
		t.Errorf("got %+v", got)
	}
	if len(blobs(t, s)) == 0 {
		t.Error("the blobs of a store in use were removed")
	}
	release()
	if got := prune(t, s, Pruning{}); got.Bytes == 0 || len(blobs(t, s)) != 0 {
		t.Errorf("got %+v, left %v", got, blobs(t, s))
	}
}

// Who holds the store can name what it made, though another process removed the
// image meanwhile.
func TestRemovedBeforeItIsNamed(t *testing.T) {
	s, img := built(t, FormatOCI)
	release, err := s.Hold(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	other, err := Open(s.Dir(), registry.New(registry.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Remove(context.Background(), []string{img.Digest}, false); err != nil {
		t.Fatal(err)
	}
	tagAs(t, s, img.Digest, "late")
	if got, err := other.Inspect("late", nil); err != nil || got.Digest != img.Digest {
		t.Errorf("got %v, %v", got, err)
	}
	checkLayout(t, s.Dir(), img.Digest)
}

func prune(t *testing.T, s *Store, p Pruning) *Removed {
	t.Helper()
	release, err := s.Alone(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	got, err := s.Prune(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestPrune(t *testing.T) {
	s, img := built(t, FormatOCI)
	tagAs(t, s, img.Digest, "keep")
	kept := blobs(t, s)
	old, err := emptyImage(s, "old")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.putBlob([]byte("what a killed pull left")); err != nil {
		t.Fatal(err)
	}
	if err := s.writeFile(packedDir+"/"+strings.Repeat("0", 64)+".json", []byte(`{"digest":"sha256:`+strings.Repeat("1", 64)+`"}`)); err != nil {
		t.Fatal(err)
	}
	before := blobs(t, s)

	if got := prune(t, s, Pruning{Before: time.Now().Add(-time.Hour)}); len(got.Images) != 0 || got.Bytes != 0 {
		t.Errorf("what came within the hour was pruned: %+v", got)
	}
	dry := prune(t, s, Pruning{DryRun: true})
	if !slices.Equal(dry.Images, []string{old.Digest}) || dry.Bytes != old.Size+int64(len("what a killed pull left")) || !slices.Equal(blobs(t, s), before) {
		t.Errorf("got %+v; the files are %v", dry, blobs(t, s))
	}
	if got := prune(t, s, Pruning{}); !slices.Equal(got.Images, dry.Images) || got.Bytes != dry.Bytes || !slices.Equal(blobs(t, s), kept) {
		t.Errorf("got %+v; the files are %v, want %v", got, blobs(t, s), kept)
	}
	checkLayout(t, s.Dir(), img.Digest)
	if got := prune(t, s, Pruning{}); got.Bytes != 0 {
		t.Errorf("pruned again: %+v", got)
	}
	if got := prune(t, s, Pruning{All: true}); len(got.Untagged) != 1 || len(blobs(t, s)) != 0 {
		t.Errorf("got %+v, left %v", got, blobs(t, s))
	}
}

// TestAlone waits for others, and gives up with the context.
func TestAlone(t *testing.T) {
	s := openStore(t, registry.Options{})
	release, err := s.Hold(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Alone(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	done := make(chan error)
	go func() {
		alone, err := s.Alone(context.Background())
		if err == nil {
			alone()
		}
		done <- err
	}()
	release()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestPruneWhilePulling pulls and prunes at once, in several processes and
// goroutines: whatever is pulled is whole.
func TestPruneWhilePulling(t *testing.T) {
	host := serve(t, nil)
	for i := range 8 {
		write(t, fmt.Sprintf("%s/app:%d", host, i), randomImage(t, "linux/amd64"))
	}
	s := openStore(t, registry.Options{})
	var pulls, prunes sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		prunes.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				alone, err := s.Alone(context.Background())
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := s.Prune(context.Background(), Pruning{}); err != nil {
					t.Error(err)
				}
				alone()
			}
		})
	}
	for n := range 2 {
		pulls.Go(func() {
			for i := n; i < 8; i += 2 {
				ref := fmt.Sprintf("%s/app:%d", host, i)
				if _, err := s.Resolve(context.Background(), Request{Reference: ref, Platform: amd64()}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	pulls.Wait()
	close(stop)
	prunes.Wait()
	list, err := s.List()
	if err != nil || len(list) != 8 {
		t.Fatalf("%d images, %v", len(list), err)
	}
	for _, img := range list {
		if !s.Has(img.Digest) {
			t.Errorf("%s is not whole", img.Reference)
		}
	}
}
