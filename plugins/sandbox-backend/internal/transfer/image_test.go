// SPDX-License-Identifier: Apache-2.0

package transfer_test

import (
	"io"
	"maps"
	"testing"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/transfer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// TestAttributesOfImages keeps what belongs to a file, and not what belongs to
// the machine it was on. The nodes of the source stay as they are.
func TestAttributesOfImages(t *testing.T) {
	all := map[string]string{
		"security.capability": "\x01", "user.mine": "1", "user.overlay.opaque": "y", "trusted.overlay.redirect": "/x", "security.selinux": "label",
	}
	n := &tree.Node{Mode: 0o755, ModTime: then, Xattrs: maps.Clone(all), Size: 1, Content: tree.Content{Digest: "x"}}
	tr, err := tree.Empty().Apply([]tree.Change{{Name: "ping", Node: n}})
	must(t, err)
	from := transfer.Image{Tree: tr, Content: func(*tree.Node) (io.ReadCloser, error) { return nil, io.ErrUnexpectedEOF }}
	step := copyOf("/", "ping")
	step.Chown, step.Chmod = "5", "700"
	entries, err := plan(t, transfer.Job{Step: step, From: from, Onto: image(t)})
	must(t, err)
	e := entries[0].Node
	if want := map[string]string{"security.capability": "\x01", "user.mine": "1"}; !maps.Equal(e.Xattrs, want) {
		t.Errorf("attributes are %q, want %q", e.Xattrs, want)
	}
	if e.UID != 5 || e.GID != 5 || e.Mode != 0o700 || e.Content != (tree.Content{}) {
		t.Errorf("the file is %+v", e)
	}
	if n.UID != 0 || n.Mode != 0o755 || !maps.Equal(n.Xattrs, all) || !n.ModTime.Equal(then) {
		t.Errorf("the source became %+v", n)
	}
	if _, err := entries[0].Open(); err != io.ErrUnexpectedEOF {
		t.Errorf("error is %v", err)
	}
}

func TestOpenFile(t *testing.T) {
	img := debian(t, "l 777 0:0 p -> /etc/group")
	r, err := img.OpenFile("p")
	must(t, err)
	text, err := io.ReadAll(r)
	if err != nil || string(text) != "www:x:34:\nextra:x:50:\n" {
		t.Errorf("content is %q, %v", text, err)
	}
}
