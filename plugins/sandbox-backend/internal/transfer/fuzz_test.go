// SPDX-License-Identifier: Apache-2.0

package transfer_test

import (
	"archive/tar"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/transfer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// FuzzArchive unpacks anything. It stays below the destination, and what is
// accepted can be written and goes onto the tree as it was planned.
func FuzzArchive(f *testing.F) {
	f.Add([]byte(odd(f)))
	f.Add([]byte(tarOf(f, member(tar.TypeSymlink, "a", "b"), member(tar.TypeSymlink, "b", "a"), member(tar.TypeReg, "a/x", ""))))
	f.Add([]byte(tarOf(f, member(tar.TypeSymlink, "a", ".."), member(tar.TypeReg, "a/../a/x", ""), member(tar.TypeDir, "a", ""))))
	f.Add([]byte(tarOf(f, member(tar.TypeReg, "a", ""), member(tar.TypeLink, "b", "a"), member(tar.TypeLink, "a", "b"), member(tar.TypeReg, "b/c", ""))))
	f.Fuzz(func(t *testing.T, data []byte) {
		archive := &tree.Node{Mode: 0o644, Size: int64(len(data)), Content: tree.Content{Digest: string(data)}}
		files, err := tree.Empty().Apply([]tree.Change{{Name: "x.tar", Node: archive}})
		must(t, err)
		onto := image(t, `f 644 0:0 secret "s"`, "d 755 0:0 n/there")
		step := &irv1.Transfer{Add: true, Sources: []string{"x.tar"}, Destination: "/n/"}
		entries, err := transfer.Plan(transfer.Job{Step: step, From: transfer.Image{Tree: files, Content: onto.Content}, Onto: onto, Temp: t.TempDir()})
		if problem := new(transfer.Problem); err != nil && !errors.As(err, &problem) {
			t.Fatal(err)
		}
		if err != nil {
			return
		}
		for _, e := range entries {
			if e.Name != "n" && !strings.HasPrefix(e.Name, "n/") {
				t.Errorf("%q is outside of the destination", e.Name)
			}
		}
		tr := apply(t, onto, entries)
		for _, e := range entries {
			if _, err := tr.Lstat(e.Name); err != nil {
				t.Errorf("%q is not where it was planned: %v", e.Name, err)
			}
		}
		if _, err := layer.Write(io.Discard, entries); err != nil {
			t.Error(err)
		}
	})
}
