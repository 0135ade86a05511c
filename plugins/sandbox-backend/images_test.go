// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/plugintest"
)

// addImage puts an image with one uncompressed layer into the layout, and
// returns its digest.
func (r *rig) addImage(writeLayer func(io.Writer) error) string {
	r.t.Helper()
	layer := r.addBlob(writeLayer)
	config := r.addJSON(map[string]any{
		"os": platform.Os, "architecture": platform.Architecture,
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{layer.Digest}},
	})
	config.MediaType = "application/vnd.oci.image.config.v1+json"
	layer.MediaType = "application/vnd.oci.image.layer.v1.tar"
	return r.addJSON(map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config, "layers": []descriptor{layer},
	}).Digest
}

// descriptor names a blob (OCI image-spec, descriptor.md).
type descriptor struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Size      int64  `json:"size"`
}

func (r *rig) addJSON(value any) descriptor {
	return r.addBlob(func(w io.Writer) error { return json.NewEncoder(w).Encode(value) })
}

func (r *rig) addBlob(write func(io.Writer) error) descriptor {
	r.t.Helper()
	dir := filepath.Join(r.images, "blobs", "sha256")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		r.t.Fatal(err)
	}
	f, err := os.CreateTemp(dir, "new")
	if err != nil {
		r.t.Fatal(err)
	}
	sum := sha256.New()
	if err := write(io.MultiWriter(f, sum)); err != nil {
		r.t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		r.t.Fatal(err)
	}
	f.Close()
	name := hex.EncodeToString(sum.Sum(nil))
	if err := os.Rename(f.Name(), filepath.Join(dir, name)); err != nil {
		r.t.Fatal(err)
	}
	return descriptor{Digest: "sha256:" + name, Size: info.Size()}
}

// files writes a layer with files, in the order of their names.
func files(content map[string]string) func(io.Writer) error {
	return func(w io.Writer) error {
		tw := tar.NewWriter(w)
		var names []string
		for name := range content {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			if err := tw.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content[name]))}); err != nil {
				return err
			}
			if _, err := io.WriteString(tw, content[name]); err != nil {
				return err
			}
		}
		return tw.Close()
	}
}

// from is a start with images, and the inputs that stand for them.
func (r *rig) from(digests []string, stages ...*irv1.ResolvedStage) *backendv1.Start {
	start := r.start(stages...)
	for i, d := range digests {
		start.Build.GetContainer().Images = append(start.Build.GetContainer().Images, &irv1.Image{
			Reference: fmt.Sprintf("example.com/base:%d", i), Digest: d, Platform: platform, Config: &irv1.ImageConfig{},
		})
	}
	return start
}

func imageInput(n uint32) *irv1.Input {
	return &irv1.Input{Kind: irv1.InputKind_INPUT_KIND_IMAGE, Index: n}
}

func TestBaseImages(t *testing.T) {
	r := newRig(t)
	r.write(map[string]string{"a": "A"})
	digests := []string{
		r.addImage(files(map[string]string{"etc/passwd": "bob:x:5:6::/:/\n", "data": "from the base"})),
		r.addImage(files(map[string]string{"tool": "T"})),
	}
	stages := []*irv1.ResolvedStage{stage(imageInput(0),
		transferStep(&irv1.Transfer{From: context0(), Sources: []string{"a"}, Destination: "/etc/", Chown: "bob"}),
		copyFrom(imageInput(1), "/bin/", "tool"),
		copyFrom(imageInput(0), "/copy", "data"),
	)}
	built := plugintest.Build(t, r.backend, r.from(digests, stages...), nil)
	if built.Err != nil {
		t.Fatal(built.Err)
	}
	if got, want := contents(t, built), "[etc/ etc/a=A][bin/ bin/tool=T][copy=from the base]"; got != want {
		t.Errorf("layers are %s, want %s", got, want)
	}
	// A build that has nothing to do does not look at its images.
	if err := os.RemoveAll(r.images); err != nil {
		t.Fatal(err)
	}
	if built := plugintest.Build(t, r.backend, r.from(digests, stages...), nil); built.Err != nil || len(ran(built)) > 0 {
		t.Errorf("without the images: ran %v, %v", ran(built), built.Err)
	}
	// Nor does one that only changes the configuration.
	digests = append(digests, "sha256:"+strings.Repeat("0", 64))
	if built := plugintest.Build(t, r.backend, r.from(digests, stage(imageInput(2), metadata())), nil); built.Err != nil || len(built.Artifact.Blobs) > 0 {
		t.Errorf("a build of metadata: %v, %v", built.Artifact, built.Err)
	}
}

// What a step reads of another image counts, and not which image it is.
func TestImagesAreKnownByWhatIsRead(t *testing.T) {
	r := newRig(t)
	build := func(tool, other string) []string {
		digests := []string{r.addImage(files(map[string]string{"tool": tool, "other": other}))}
		built := plugintest.Build(t, r.backend, r.from(digests, stage(scratch(), copyFrom(imageInput(0), "/", "tool"))), nil)
		if built.Err != nil {
			t.Fatal(built.Err)
		}
		return ran(built)
	}
	if got := build("1", "1"); len(got) != 1 {
		t.Errorf("the first build ran %v", got)
	}
	if got := build("1", "2"); len(got) != 0 {
		t.Errorf("after another file changed, ran %v", got)
	}
	if got := build("2", "2"); len(got) != 1 {
		t.Errorf("after the file changed, ran %v", got)
	}
}

// zeros writes a tar with n files of zeros.
func zeros(n, size int) func(io.Writer) error {
	return func(w io.Writer) error {
		tw := tar.NewWriter(w)
		content := make([]byte, size)
		for i := range n {
			if err := tw.WriteHeader(&tar.Header{Name: fmt.Sprintf("usr/lib/%d/%d", i%20, i), Mode: 0o644, Size: int64(size)}); err != nil {
				return err
			}
			if _, err := io.Copy(tw, bytes.NewReader(content)); err != nil {
				return err
			}
		}
		return tw.Close()
	}
}

// On a base of 500 MB, a copy of 10 MB writes 10 MB and what is in the base:
// the base is never unpacked.
func TestALargeBaseIsNotUnpacked(t *testing.T) {
	const baseFiles, baseFile, copied, index = 2000, 250_000, 10_000_000, 1 << 20
	r := newRig(t)
	r.write(map[string]string{"app": strings.Repeat("0123456789", copied/10)})
	digests := []string{r.addImage(zeros(baseFiles, baseFile))}
	artifact, err := r.backend.Build(t.Context(), r.from(digests, stage(imageInput(0), copyFiles("/usr/lib/7/", "app"))), &plugintest.Job{})
	if err != nil {
		t.Fatal(err)
	}
	if len(artifact.Blobs) != 1 || artifact.Blobs[0].Size > copied+10_000 {
		t.Errorf("the artifact is %v", artifact.Blobs)
	}
	if got := written(t, r.state); got > copied+index {
		t.Errorf("%d bytes were written for a copy of %d", got, copied)
	}
}

// BenchmarkCopyOntoLargeBase is the time of the promise: less than a
// second for a base of 500 MB that the backend sees for the first time.
func BenchmarkCopyOntoLargeBase(b *testing.B) {
	r := newRig(b)
	r.write(map[string]string{"app": strings.Repeat("0123456789", 1_000_000)})
	digests := []string{r.addImage(zeros(2000, 250_000))}
	for b.Loop() {
		b.StopTimer()
		r.state = b.TempDir()
		b.StartTimer()
		if _, err := r.backend.Build(b.Context(), r.from(digests, stage(imageInput(0), copyFiles("/usr/lib/7/", "app"))), &plugintest.Job{}); err != nil {
			b.Fatal(err)
		}
	}
}
