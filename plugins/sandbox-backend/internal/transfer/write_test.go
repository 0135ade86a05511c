// SPDX-License-Identifier: Apache-2.0

package transfer_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/transfer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// TestSameLayerEverywhere copies the same files from two places.
func TestSameLayerEverywhere(t *testing.T) {
	files := map[string]string{"d/x": "x", "d-1": "-", "d/sub/y": "y", "l": "-> d"}
	var digests []string
	for range 2 {
		entries, err := plan(t, transfer.Job{Step: copyOf("/srv/", "."), From: context(t, folder(t, files)), Onto: debian(t)})
		must(t, err)
		// Times of folders and links are those of the disk.
		for _, e := range entries {
			if e.Node.Kind != tree.File && e.Name != "srv" {
				e.Node.ModTime = then
			}
		}
		l, err := layer.Write(io.Discard, entries)
		must(t, err)
		digests = append(digests, l.Digest)
	}
	if digests[0] != digests[1] {
		t.Errorf("digests are %v", digests)
	}
}

// TestSparseFile writes a file that is nearly all hole; none of it is held in
// memory at once.
func TestSparseFile(t *testing.T) {
	dir := folder(t, map[string]string{"f": "x"})
	const size = 64 << 20
	must(t, os.Truncate(filepath.Join(dir, "f"), size))
	entries, err := plan(t, transfer.Job{Step: copyOf("/f", "f"), From: context(t, dir), Onto: image(t)})
	must(t, err)
	l, err := layer.Write(io.Discard, entries)
	must(t, err)
	if n := l.Changes[0].Node; n.Size != size || l.Size <= size {
		t.Errorf("the file has %d bytes, the layer %d", n.Size, l.Size)
	}
}

// TestProblemsOfWriting finds the Problem in the error of the layer's writer.
func TestProblemsOfWriting(t *testing.T) {
	dir := folder(t, map[string]string{"f": "bytes"})
	entries, err := plan(t, transfer.Job{Step: copyOf("/f", "f"), From: context(t, dir), Onto: image(t)})
	must(t, err)
	must(t, os.Remove(filepath.Join(dir, "f")))
	_, err = layer.Write(io.Discard, entries)
	if problem := new(transfer.Problem); !errors.As(err, &problem) {
		t.Errorf("error is %v", err)
	}
}

func BenchmarkPlan(b *testing.B) {
	dir := b.TempDir()
	for i := range 100 {
		at := filepath.Join(dir, fmt.Sprint("d", i))
		must(b, os.Mkdir(at, 0o755))
		for j := range 100 {
			must(b, os.WriteFile(filepath.Join(at, fmt.Sprint("f", j)), []byte("some content"), 0o644))
		}
	}
	from, onto := context(b, dir), debian(b)
	for b.Loop() {
		if _, err := transfer.Plan(transfer.Job{Step: copyOf("/srv/", "."), From: from, Onto: onto}); err != nil {
			b.Fatal(err)
		}
	}
}
