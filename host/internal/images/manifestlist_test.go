// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/zlayer/zlayer/host/internal/registry"
)

// pulled has an image for each platform, pulled under the name "app" of a
// registry.
func pulled(t *testing.T, s *Store, host string, platforms ...string) map[string]*Image {
	t.Helper()
	images := map[string]*Image{}
	for _, p := range platforms {
		ref := host + "/app:" + strings.ReplaceAll(p, "/", "-")
		write(t, ref, randomImage(t, p))
		img, err := s.Resolve(context.Background(), Request{Reference: ref, Platform: parsePlatform(p)})
		if err != nil {
			t.Fatal(err)
		}
		images[p] = img
	}
	return images
}

// platforms are those of a list, with the digests.
func platforms(list *Image) []string {
	var all []string
	for _, img := range list.Images {
		all = append(all, spell(img.Platform)+" "+img.Digest)
	}
	return all
}

func TestManifestList(t *testing.T) {
	ctx := context.Background()
	s := openStore(t, registry.Options{})
	host := serve(t, nil)
	images := pulled(t, s, host, "linux/amd64", "linux/arm64", "linux/arm/v7")
	of := func(p string) string { return p + " " + images[p].Digest }

	list, err := s.CreateList(ctx, "many", []string{images["linux/amd64"].Reference, images["linux/arm/v7"].Digest})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{of("linux/amd64"), of("linux/arm/v7")}; !slices.Equal(platforms(list), want) {
		t.Errorf("the list has %q, want %q", platforms(list), want)
	}
	list, err = s.AddToList(ctx, "many", []string{images["linux/arm64"].Digest[7:17]})
	if err != nil || len(list.Images) != 3 || list.Reference != "docker.io/library/many:latest" {
		t.Fatalf("the list has %q, %v", platforms(list), err)
	}
	newer := pulled(t, s, serve(t, nil), "linux/arm64")["linux/arm64"]
	list, err = s.AddToList(ctx, "many", []string{newer.Digest})
	if want := []string{of("linux/amd64"), of("linux/arm/v7"), "linux/arm64 " + newer.Digest}; err != nil || !slices.Equal(platforms(list), want) {
		t.Errorf("the list has %q, want %q, %v", platforms(list), want, err)
	}
	checkIndex(t, s, list)

	// Every other command takes the name of a list.
	for p, want := range map[string]string{"linux/amd64": images["linux/amd64"].Digest, "linux/arm64/v8": newer.Digest} {
		for _, ref := range []string{"many", "many@" + list.Digest} {
			img, err := s.Resolve(ctx, Request{Reference: ref, Platform: parsePlatform(p), Policy: PolicyNever})
			if err != nil || img.Digest != want {
				t.Errorf("%s for %s is %v, %v", ref, p, img, err)
			}
			if img, err := s.Inspect(ref, parsePlatform(p)); err != nil || img.Digest != want {
				t.Errorf("%s for %s is %v, %v", ref, p, img, err)
			}
		}
	}
	_, err = s.Resolve(ctx, Request{Reference: "many", Platform: parsePlatform("linux/s390x"), Policy: PolicyNever})
	wantKind(t, err, KindPlatform, "linux/amd64, linux/arm/v7, linux/arm64")
	if err := s.Tag(ctx, "many", "other:2"); err != nil {
		t.Fatal(err)
	}
	if img, err := s.Inspect("other:2", nil); err != nil || img.Digest != list.Digest {
		t.Errorf("tagged: %v, %v", img, err)
	}
	both, err := s.CreateList(ctx, "copy", []string{"other:2"})
	if err != nil || both.Digest != list.Digest {
		t.Errorf("a list of a list is %v, %v", both, err)
	}
}

// checkIndex looks at the layout with the library: the list is whole and valid.
func checkIndex(t *testing.T, s *Store, list *Image) {
	t.Helper()
	entry, err := s.entry(list.Digest)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(&storedIndex{&pushing{store: s, meter: newMeter(nil)}, entry}); err != nil {
		t.Error(err)
	}
}

func TestManifestListRefuses(t *testing.T) {
	ctx := context.Background()
	s := openStore(t, registry.Options{})
	a, b := pulled(t, s, serve(t, nil), "linux/amd64")["linux/amd64"], pulled(t, s, serve(t, nil), "linux/amd64")["linux/amd64"]
	_, err := s.CreateList(ctx, "many", []string{a.Digest, b.Digest})
	wantKind(t, err, KindPlatform, "linux/amd64", b.Digest)
	_, err = s.CreateList(ctx, "many", []string{"nothing"})
	wantKind(t, err, KindNotFound)
	_, err = s.CreateList(ctx, "many@"+a.Digest, nil)
	wantKind(t, err, KindReference)
	_, err = s.AddToList(ctx, "many", []string{a.Digest})
	wantKind(t, err, KindNotFound)
	_, err = s.AddToList(ctx, a.Reference, []string{b.Digest})
	wantKind(t, err, KindReference, "not a manifest list")
	if list, err := s.List(); err != nil || len(list) != 2 {
		t.Errorf("the store has %q, %v", labels(list), err)
	}
}

func TestPushList(t *testing.T) {
	ctx := context.Background()
	s := openStore(t, registry.Options{})
	pulled(t, s, serve(t, nil), "linux/amd64", "linux/arm64")
	var names []string
	all, err := s.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, img := range all {
		names = append(names, img.Reference)
	}
	list, err := s.CreateList(ctx, "many", names)
	if err != nil {
		t.Fatal(err)
	}
	host := serve(t, strict)
	if _, err := s.PushList(ctx, "many", host+"/team/many:1"); err == nil {
		t.Error("a list was pushed to a registry without its images")
	}
	got, err := s.Push(ctx, "many", host+"/team/many:1", nil)
	if err != nil || got != host+"/team/many@"+list.Digest {
		t.Fatalf("pushed as %s, %v", got, err)
	}
	index, err := remote.Index(mustRef(t, host+"/team/many:1"))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
	if got, err := s.PushList(ctx, "many", host+"/team/many:2"); err != nil || !strings.HasSuffix(got, list.Digest) {
		t.Errorf("only the list: %s, %v", got, err)
	}
	_, err = s.PushList(ctx, names[0], host+"/x:1")
	wantKind(t, err, KindReference)

	out := filepath.Join(t.TempDir(), "many.tar")
	if err := s.Save(ctx, "many", Output{Form: FormArchive, Path: out, References: []string{"many:3"}}); err != nil {
		t.Fatal(err)
	}
	other := openStore(t, registry.Options{})
	if got := load(t, other, out); len(got) != 1 || got[0].Digest != list.Digest {
		t.Errorf("loaded %q", labels(got))
	}
	wantKind(t, s.Save(ctx, "many", Output{Form: FormDocker, Path: out}), KindUnsupported, "oci-archive")
}

// A list without a name is of the type that goes with its images, and the same
// images make the same one.
func TestJoin(t *testing.T) {
	ctx := context.Background()
	s := openStore(t, registry.Options{})
	images := pulled(t, s, serve(t, nil), "linux/arm/v7", "linux/amd64")
	parts := []string{images["linux/arm/v7"].Digest, images["linux/amd64"].Digest}
	for format, want := range map[Format]types.MediaType{"": types.OCIImageIndex, FormatOCI: types.OCIImageIndex, FormatDocker: types.DockerManifestList} {
		list, err := s.Join(ctx, parts, format)
		if err != nil {
			t.Fatal(err)
		}
		if list.Reference != "" || list.MediaType != string(want) || len(list.Images) != 2 || list.Images[0].Digest != parts[0] {
			t.Errorf("%s: the list is %q of type %s: %q", format, list.Reference, list.MediaType, platforms(list))
		}
		checkIndex(t, s, list)
		if err := s.Tag(ctx, list.Digest, "many:"+string(format)+"1"); err != nil {
			t.Fatal(err)
		}
		if again, err := s.Join(ctx, parts, format); err != nil || again.Digest != list.Digest {
			t.Errorf("%s: a second time it is %v, %v", format, again, err)
		}
	}
	_, err := s.Join(ctx, parts, "zip")
	if err == nil {
		t.Error("a list of an unknown format was made")
	}
	_, err = s.Join(ctx, []string{parts[0], pulled(t, s, serve(t, nil), "linux/arm/v7")["linux/arm/v7"].Digest}, FormatOCI)
	wantKind(t, err, KindPlatform, "linux/arm/v7")
}

// The file systems of a list are in folders that docker names so too.
func TestSaveListRoot(t *testing.T) {
	ctx := context.Background()
	s := openStore(t, registry.Options{})
	images := pulled(t, s, serve(t, nil), "linux/arm/v7", "linux/amd64")
	list, err := s.Join(ctx, []string{images["linux/arm/v7"].Digest, images["linux/amd64"].Digest}, FormatOCI)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "out")
	if err := s.Save(ctx, list.Digest, Output{Form: FormRootFolder, Path: dir}); err != nil {
		t.Fatal(err)
	}
	found, err := os.ReadDir(dir)
	if err != nil || len(found) != 2 || found[0].Name() != "linux_amd64" || found[1].Name() != "linux_arm_v7" {
		t.Errorf("the folder has %v, %v", found, err)
	}
}

// What a list from elsewhere says of platforms leads nowhere.
func TestPlatformFolder(t *testing.T) {
	for _, p := range []v1.Platform{{}, {OS: ".."}, {OS: "linux"}, {OS: "a", Architecture: ".."}, {OS: "/", Architecture: "x"}, {OS: "a\\b", Architecture: "c"}, {OS: "a\x00", Architecture: "c"}} {
		_, err := platformFolder(v1.Descriptor{Platform: &p})
		wantKind(t, err, KindUnsupported, "by digest")
	}
}

// strict is a registry that refuses a list whose images it does not have, as
// real ones do.
func strict(next http.Handler) http.Handler {
	var mu sync.Mutex
	seen := map[string]bool{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/") {
			mu.Lock()
			defer mu.Unlock()
			if strings.Contains(r.Header.Get("Content-Type"), "index") && len(seen) < 2 {
				w.WriteHeader(http.StatusNotFound)
				return
			}
			seen[r.URL.Path] = true
		}
		next.ServeHTTP(w, r)
	})
}
