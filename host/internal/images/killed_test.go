// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/zlayer/zlayer/host/internal/registry"
)

// obtain is the second process of TestKilledWhileObtaining: it loads an archive,
// or pulls, until it is killed.
func obtain(dir, what string) error {
	s, err := Open(dir, registry.New(registry.Options{AuthFiles: []string{}}))
	if err != nil {
		return err
	}
	for i := range 1000 {
		path, loads := strings.CutPrefix(what, "load=")
		if !loads {
			_, err = s.Resolve(context.Background(), Request{Reference: fmt.Sprintf("%s:%d", what, i), Platform: parsePlatform("linux/amd64")})
		} else if _, err = s.Load(context.Background(), path, nil, nil); err == nil {
			_, err = s.Remove(context.Background(), []string{"app:1"}, true)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// TestKilledWhileObtaining kills a process in the middle of a load and of a
// pull. Nothing is listed that is not whole, nobody is locked out, and a prune
// takes what is left.
func TestKilledWhileObtaining(t *testing.T) {
	source, img := built(t, FormatOCI)
	archive := filepath.Join(t.TempDir(), "app.tar")
	if err := source.Save(context.Background(), img.Digest, Output{Form: FormDocker, Path: archive, References: []string{"app:1"}}); err != nil {
		t.Fatal(err)
	}
	fetched := make(chan struct{}, 100)
	host := serve(t, hang(fetched))
	write(t, host+"/app:0", randomImage(t, "linux/amd64"))
	s := openStore(t, registry.Options{})
	for i, what := range []string{"load=" + archive, "load=" + archive, host + "/app", host + "/app"} {
		cmd := other(s.Dir(), what)
		cmd.Env = append(cmd.Env, "ZLAYER_TEST_OBTAIN=1")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(what, "load=") {
			time.Sleep(time.Duration(30+40*i) * time.Millisecond) // anywhere in it
		} else {
			<-fetched
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		list, err := s.List()
		if err != nil {
			t.Fatal(err)
		}
		for _, img := range list {
			if !s.Has(img.Digest) {
				t.Errorf("%s is listed, and not whole", img.Reference)
			}
		}
	}
	prune(t, s, Pruning{All: true})
	again, err := Open(s.Dir(), registry.New(registry.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(s.path(tempDir)); len(left) != 0 || len(blobs(t, again)) != 0 {
		t.Errorf("left behind: %v, %v", left, blobs(t, again))
	}
}

// hang is a registry that sends half of a blob and then nothing, and says so.
func hang(fetched chan<- struct{}) func(http.Handler) http.Handler {
	var n atomic.Int32
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "/blobs/") || n.Add(1)%2 == 1 {
				next.ServeHTTP(w, r)
				return
			}
			rec := &recorder{header: http.Header{}}
			next.ServeHTTP(rec, r)
			w.Header().Set("Content-Length", fmt.Sprint(len(rec.body)))
			w.Write(rec.body[:len(rec.body)/2])
			w.(http.Flusher).Flush()
			fetched <- struct{}{}
			<-r.Context().Done()
		})
	}
}

// TestPullNestedIndex pulls from an index in an index.
func TestPullNestedIndex(t *testing.T) {
	top, images := listOf(t, "linux/amd64", "linux/arm64")
	host := serve(t, nil)
	if err := remote.WriteIndex(mustRef(t, host+"/many"), top); err != nil {
		t.Fatal(err)
	}
	s := openStore(t, registry.Options{})
	for p, want := range images {
		img, err := s.Resolve(context.Background(), Request{Reference: host + "/many", Platform: parsePlatform(p)})
		if err != nil || img.Digest != digestOf(t, want) {
			t.Errorf("%s: %v, %v", p, img, err)
		}
	}
	if list, err := s.CreateList(context.Background(), "copy", []string{host + "/many"}); err != nil || len(list.Images) != 2 {
		t.Errorf("a list of all that was pulled by one name: %v, %v", list, err)
	}
}
