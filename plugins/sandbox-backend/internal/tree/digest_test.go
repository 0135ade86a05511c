// SPDX-License-Identifier: Apache-2.0

package tree_test

import (
	"errors"
	"io/fs"
	"sync"
	"testing"
	"time"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// digest returns the digest of subtrees.
func digest(t *testing.T, tr *tree.Tree, names ...string) string {
	t.Helper()
	d, err := tr.Digest(names...)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDigestTellsWhatAStepCanSee(t *testing.T) {
	base := []tree.Change{
		dir("d"), file("d/f", "1"), link("d/g", "d/f"), symlink("d/l", "f"),
		put("d/n", &tree.Node{Kind: tree.CharDevice, Major: 1, Minor: 3}),
		put("d/x", &tree.Node{Xattrs: map[string]string{"user.a": "b"}}),
		put("d/i", &tree.Node{}), file("outside", "1"),
	}
	before := digest(t, apply(t, base), "d")
	for name, changes := range map[string][]tree.Change{
		"content":           {file("d/f", "2")},
		"a name more":       {file("d/more", "1")},
		"a name less":       {remove("d/l")},
		"link":              {symlink("d/l", "x")},
		"kind":              {put("d/n", &tree.Node{Kind: tree.BlockDevice, Major: 1, Minor: 3})},
		"device":            {put("d/n", &tree.Node{Kind: tree.CharDevice, Major: 1, Minor: 4})},
		"mode":              {put("d/i", &tree.Node{Mode: 0o600})},
		"user":              {put("d/i", &tree.Node{UID: 1})},
		"group":             {put("d/i", &tree.Node{GID: 1})},
		"attribute":         {put("d/x", &tree.Node{Xattrs: map[string]string{"user.a": "c"}})},
		"no attributes":     {put("d/x", &tree.Node{})},
		"mode of folder":    {put("d", &tree.Node{Kind: tree.Dir, Mode: 0o700})},
		"no hard link":      {file("d/g", "1")},
		"another hard link": {file("d/g", "1"), put("d/i", &tree.Node{}), link("d/x", "d/i")},
	} {
		if digest(t, apply(t, base, changes), "d") == before {
			t.Errorf("%s: the digest is the same", name)
		}
	}
	for name, changes := range map[string][]tree.Change{
		"nothing":              {},
		"a time":               {put("d/i", &tree.Node{ModTime: time.Unix(7, 0)})},
		"a file elsewhere":     {file("outside", "2")},
		"where the content is": {put("outside", &tree.Node{}), put("d/i", &tree.Node{Content: tree.Content{Layer: "x", Offset: 7}})},
		"a name elsewhere":     {link("other", "d/f")},
	} {
		if digest(t, apply(t, base, changes), "d") != before {
			t.Errorf("%s: the digest differs", name)
		}
	}
}

func TestDigestOfSeveral(t *testing.T) {
	tr := apply(t, []tree.Change{file("a/f", "1"), link("b/f", "a/f")})
	apart := apply(t, []tree.Change{file("a/f", "1"), file("b/f", "1")})
	if digest(t, tr, "a", "b") == digest(t, apart, "a", "b") {
		t.Error("a hard link from one subtree to the other is not told")
	}
	if digest(t, tr, "a") != digest(t, apart, "a") {
		t.Error("a hard link out of what is read is told")
	}
	if digest(t, tr) == digest(t, tr, "a") {
		t.Error("nothing and a folder are the same")
	}
	if _, err := tr.Digest("a", "x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// TestTreesMayBeSharedByGoroutines is for the race detector.
func TestTreesMayBeSharedByGoroutines(t *testing.T) {
	tr := apply(t, []tree.Change{file("a/f", "1"), file("b/c/f", "1")})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			next, err := tr.Apply([]tree.Change{file("b/c/g", "2")})
			if err != nil {
				t.Error(err)
				return
			}
			for _, tr := range []*tree.Tree{tr, next} {
				_, err1 := tr.Digest(".")
				_, err2 := tr.List("b")
				if err := errors.Join(err1, err2); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
