// SPDX-License-Identifier: Apache-2.0

package tree_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// The changes of these tests, in short.
func dir(name string) tree.Change { return put(name, &tree.Node{Kind: tree.Dir, Mode: 0o755}) }
func file(name, content string) tree.Change {
	return put(name, &tree.Node{Mode: 0o644, Size: int64(len(content)), Content: tree.Content{Digest: content}})
}

func symlink(name, target string) tree.Change {
	return put(name, &tree.Node{Kind: tree.Symlink, Mode: 0o777, Target: target})
}
func put(name string, n *tree.Node) tree.Change { return tree.Change{Name: name, Node: n} }
func link(name, target string) tree.Change {
	return tree.Change{Op: tree.Link, Name: name, Target: target}
}
func remove(name string) tree.Change { return tree.Change{Op: tree.Remove, Name: name} }
func wipe(name string) tree.Change   { return tree.Change{Op: tree.Clear, Name: name} }

// apply applies layers one after the other.
func apply(t testing.TB, layers ...[]tree.Change) *tree.Tree {
	t.Helper()
	tr := tree.Empty()
	for _, l := range layers {
		var err error
		if tr, err = tr.Apply(l); err != nil {
			t.Fatal(err)
		}
	}
	return tr
}

// show lists a tree: a folder as "a/", a link as "a -> b", a file as "a=content".
func show(t testing.TB, tr *tree.Tree) string {
	t.Helper()
	var lines []string
	err := tr.Walk(".", func(name string, n *tree.Node) error {
		switch {
		case name == ".":
			return nil
		case n.Kind == tree.Dir:
			name += "/"
		case n.Kind == tree.Symlink:
			name += "->" + n.Target
		case n.Kind == tree.File:
			name += "=" + n.Content.Digest
		}
		lines = append(lines, name)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, " ")
}

func TestApply(t *testing.T) {
	type layers = [][]tree.Change
	for name, test := range map[string]struct {
		layers layers
		want   string
	}{
		"a file":             {layers{{dir("a"), file("a/f", "1")}}, "a/ a/f=1"},
		"a file is replaced": {layers{{file("f", "1")}, {file("f", "2")}}, "f=2"},
		"a folder on a folder keeps what is in it":                     {layers{{dir("a"), file("a/f", "1")}, {dir("a")}}, "a/ a/f=1"},
		"a file over a folder removes what was below":                  {layers{{dir("a"), file("a/f", "1")}, {file("a", "2")}}, "a=2"},
		"a folder over a file":                                         {layers{{file("a", "2")}, {dir("a"), file("a/f", "1")}}, "a/ a/f=1"},
		"a folder over a link does not follow it":                      {layers{{dir("b"), file("b/f", "1"), symlink("a", "b")}, {dir("a")}}, "a/ b/ b/f=1"},
		"missing folders are made":                                     {layers{{file("a/b/f", "1")}}, "a/ a/b/ a/b/f=1"},
		"a whiteout removes all below":                                 {layers{{file("a/b/f", "1"), file("a/g", "1")}, {remove("a/b")}}, "a/ a/g=1"},
		"a whiteout of nothing":                                        {layers{{file("g", "1")}, {remove("a/b"), remove("g/x"), wipe("g"), wipe("h")}}, "g=1"},
		"a whiteout is about the layers below, wherever it stands":     {layers{{file("f", "1")}, {file("f", "2"), remove("f")}}, "f=2"},
		"a whiteout and a new folder":                                  {layers{{file("a/f", "1")}, {remove("a"), file("a/g", "2")}}, "a/ a/g=2"},
		"an opaque folder":                                             {layers{{file("a/f", "1"), file("a/d/g", "1")}, {dir("a"), file("a/h", "2"), wipe("a")}}, "a/ a/h=2"},
		"an opaque root":                                               {layers{{file("a/f", "1")}, {wipe("."), file("h", "2")}}, "h=2"},
		"a hard link":                                                  {layers{{file("a", "1"), link("b", "a")}}, "a=1 b=1"},
		"a hard link to a layer below":                                 {layers{{file("a", "1")}, {link("d/b", "a")}}, "a=1 d/ d/b=1"},
		"a hard link to a link shares the link":                        {layers{{symlink("a", "x"), link("b", "a")}}, "a->x b->x"},
		"a hard link renames a file of a layer below":                  {layers{{file("a", "1")}, {remove("a"), link("b", "a")}}, "b=1"},
		"names below a link are those of where it leads":               {layers{{dir("usr/lib"), symlink("lib", "usr/lib")}, {file("lib/f", "1")}}, "lib->usr/lib usr/ usr/lib/ usr/lib/f=1"},
		"a link that leads to / is rooted":                             {layers{{dir("run"), symlink("var/run", "/run")}, {file("var/run/f", "1")}}, "run/ run/f=1 var/ var/run->/run"},
		"a link that leads up stays in the tree":                       {layers{{symlink("a", "../../../etc")}, {file("a/f", "1")}}, "a->../../../etc etc/ etc/f=1"},
		"a link replaced by a folder in the same layer":                {layers{{dir("b"), symlink("a", "b")}, {file("a/f", "1"), dir("a"), file("a/g", "2")}}, "a/ a/g=2 b/ b/f=1"},
		"a folder replaced by a link in the same layer":                {layers{{dir("b"), dir("a")}, {file("a/f", "1"), symlink("a", "b"), file("a/g", "2")}}, "a->b b/ b/g=2"},
		"a whiteout below a link":                                      {layers{{file("b/f", "1"), symlink("a", "b")}, {remove("a/f")}}, "a->b b/"},
		"a whiteout of a link":                                         {layers{{file("b/f", "1"), symlink("a", "b")}, {remove("a")}}, "b/ b/f=1"},
		"a hard link whose target is named over a link":                {layers{{file("b/f", "1"), symlink("a", "b")}, {link("g", "a/f")}}, "a->b b/ b/f=1 g=1"},
		"siblings are sorted by name, folders before what is in them":  {layers{{file("a-b", "1"), file("a/b", "1"), file("a.b", "1")}}, "a/ a/b=1 a-b=1 a.b=1"},
		"names may hold a newline, and bytes that are no UTF-8":        {layers{{file("a\nb\xff", "1")}}, "a\nb\xff=1"},
		"a device and a pipe":                                          {layers{{put("n", &tree.Node{Kind: tree.CharDevice, Major: 1, Minor: 3}), put("p", &tree.Node{Kind: tree.Fifo})}}, "n p"},
		"a file of one layer is a folder of the next and a file again": {layers{{file("a", "1")}, {remove("a"), file("a/b", "2")}, {file("a", "3")}}, "a=3"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := show(t, apply(t, test.layers...)); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestApplyRefuses(t *testing.T) {
	base := []tree.Change{
		dir("d"), file("f", "1"), symlink("loop", "loop"), symlink("ping", "pong"), symlink("pong", "ping"), symlink("tofile", "f"),
	}
	for name, test := range map[string]struct {
		change tree.Change
		want   string
	}{
		"up":                        {file("../f", ""), "leads out of the tree"},
		"up in the midst":           {file("a/../f", ""), "leads out of the tree"},
		"absolute":                  {file("/etc/f", ""), "not a clean relative path"},
		"not clean":                 {file("a//f", ""), "not a clean relative path"},
		"dot":                       {file("./f", ""), "not a clean relative path"},
		"empty":                     {file("", ""), "empty"},
		"NUL":                       {file("a\x00b", ""), "NUL"},
		"a long name":               {file(strings.Repeat("a/", 2048)+"a", ""), "longer than 4095"},
		"a long part":               {file(strings.Repeat("a", 256), ""), "longer than 255"},
		"below a file":              {file("f/g", ""), "not a directory"},
		"below a link to a file":    {file("tofile/g", ""), "not a directory"},
		"below a link to itself":    {file("loop/g", ""), "symbolic links"},
		"below links in a circle":   {file("ping/g", ""), "symbolic links"},
		"whiteout below a circle":   {remove("ping/g"), "symbolic links"},
		"whiteout of the root":      {remove("."), "the root cannot be removed"},
		"a root that is a file":     {file(".", ""), "the root must be a folder"},
		"a root that is a link":     {link(".", "f"), "the root must be a folder"},
		"hard link to nothing":      {link("a", "nothing"), `hard link to "nothing": there is no such file`},
		"hard link to a folder":     {link("a", "d"), "it is a folder"},
		"hard link out":             {link("a", "../x"), "leads out of the tree"},
		"no file":                   {put("a", nil), "has no file"},
		"negative size":             {put("a", &tree.Node{Size: -1}), "size is negative"},
		"unknown kind":              {put("a", &tree.Node{Kind: 9}), "kind of file is unknown"},
		"mode with type bits":       {put("a", &tree.Node{Mode: 0o100644}), "permission bits"},
		"link that leads nowhere":   {symlink("a", ""), "leads nowhere"},
		"link with a NUL":           {symlink("a", "b\x00"), "NUL"},
		"link that is far too long": {symlink("a", strings.Repeat("a", 4096)), "longer than 4095"},
	} {
		t.Run(name, func(t *testing.T) {
			before := apply(t, base)
			was := show(t, before)
			_, err := before.Apply([]tree.Change{test.change})
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), fmt.Sprintf("%.300q", test.change.Name)) {
				t.Errorf("got %v, want an error that names the entry and says %q", err, test.want)
			}
			if is := show(t, before); is != was {
				t.Errorf("the tree changed to %s", is)
			}
		})
	}
}

// TestDeepTreesAreRefused goes down by links: each name is short, the real one
// is not.
func TestDeepTreesAreRefused(t *testing.T) {
	deep := strings.Repeat("a/", 1500)
	tr := apply(t, []tree.Change{dir(deep + "a"), symlink("l", deep+"a")})
	if _, err := tr.Apply([]tree.Change{file("l/"+deep+"f", "1")}); err == nil || !strings.Contains(err.Error(), "the real name is longer") {
		t.Errorf("got %v", err)
	}
}

func TestHardLinksShareTheirFile(t *testing.T) {
	tr := apply(t, []tree.Change{file("a", "1"), link("b", "a")}, []tree.Change{link("c", "b")})
	a, _ := tr.Lstat("a")
	c, _ := tr.Lstat("c")
	if a == nil || a != c {
		t.Error("a and c are not the same file")
	}
	next := apply(t, []tree.Change{file("a", "1"), link("b", "a")}, []tree.Change{file("a", "2")})
	if got := show(t, next); got != "a=2 b=1" {
		t.Errorf("replacing one name changed the other: %s", got)
	}
}

func TestMissingFoldersBelongToTheSuperuser(t *testing.T) {
	n, err := apply(t, []tree.Change{file("a/f", "1")}).Lstat("a")
	if err != nil {
		t.Fatal(err)
	}
	want := &tree.Node{Kind: tree.Dir, Mode: 0o755, ModTime: time.Unix(0, 0).UTC()}
	if diff := cmp.Diff(want, n); diff != "" {
		t.Error(diff)
	}
}

func TestTheRootHasAttributes(t *testing.T) {
	tr := apply(t, []tree.Change{file("f", "1")}, []tree.Change{put(".", &tree.Node{Kind: tree.Dir, Mode: 0o700})})
	n, err := tr.Lstat(".")
	if err != nil || n.Mode != 0o700 || show(t, tr) != "f=1" {
		t.Errorf("got %v, %v, %s", n, err, show(t, tr))
	}
}

func TestTheTreeBeforeStaysAsItIs(t *testing.T) {
	base := []tree.Change{file("a/b/f", "1"), file("a/g", "1"), link("a/h", "a/g")}
	before := apply(t, base)
	was := show(t, before)
	if _, err := before.Digest("."); err != nil { // fills what is kept
		t.Fatal(err)
	}
	for _, c := range []tree.Change{file("a/b/f", "2"), file("a/b/new", "2"), remove("a/b"), wipe("a"), link("a/b/l", "a/g"), dir("a")} {
		if _, err := before.Apply([]tree.Change{c}); err != nil {
			t.Fatal(err)
		}
		if got := show(t, before); got != was {
			t.Errorf("after %v: %s", c, got)
		}
	}
}

// big returns a tree of 50,000 files in 1,000 folders.
func big(tb testing.TB) []tree.Change {
	tb.Helper()
	var out []tree.Change
	for i := range 50_000 {
		out = append(out, file(fmt.Sprintf("usr/lib/d%d/e%d/f%d", i/500, i/50, i), "1"))
	}
	return out
}

// TestASmallLayerCostsLittle counts allocations, which a slow machine has as
// many of.
func TestASmallLayerCostsLittle(t *testing.T) {
	tr := apply(t, big(t))
	if _, err := tr.Digest("."); err != nil {
		t.Fatal(err)
	}
	layer := []tree.Change{file("usr/lib/d7/e70/f3500", "2")}
	allocs := testing.AllocsPerRun(10, func() {
		next, err := tr.Apply(layer)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := next.Digest("."); err != nil {
			t.Fatal(err)
		}
	})
	if allocs > 500 {
		t.Errorf("%v allocations for one file in a tree of 50,000", allocs)
	}
}

func BenchmarkApply(b *testing.B) {
	changes := big(b)
	b.Run("50000", func(b *testing.B) {
		for range b.N {
			apply(b, changes)
		}
	})
	tr := apply(b, changes)
	b.Run("1 on 50000", func(b *testing.B) {
		for range b.N {
			if _, err := tr.Apply(changes[777:778]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("digest", func(b *testing.B) {
		for range b.N {
			tr := apply(b, changes)
			if _, err := tr.Digest("."); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func TestLookups(t *testing.T) {
	tr := apply(t, []tree.Change{file("d/f", "1"), symlink("l", "d")})
	for name, want := range map[string]error{
		".": nil, "d": nil, "d/f": nil, "l": nil,
		"x": fs.ErrNotExist, "d/x": fs.ErrNotExist, "d/f/g": syscall.ENOTDIR, "l/f": syscall.ENOTDIR,
	} {
		if _, err := tr.Lstat(name); !errors.Is(err, want) {
			t.Errorf("Lstat(%q): %v, want %v", name, err, want)
		}
	}
	if names, err := tr.List("."); err != nil || !cmp.Equal(names, []string{"d", "l"}) {
		t.Errorf("List: %v, %v", names, err)
	}
	for name, want := range map[string]error{"l": syscall.ENOTDIR, "d/f": syscall.ENOTDIR, "x": fs.ErrNotExist} {
		if _, err := tr.List(name); !errors.Is(err, want) {
			t.Errorf("List(%q): %v, want %v", name, err, want)
		}
	}
}

func TestResolve(t *testing.T) {
	layer := []tree.Change{
		file("usr/lib/f", "1"), symlink("lib", "usr/lib"), symlink("abs", "/usr/lib/f"), symlink("up", "../../usr"),
		symlink("usr/self", "."), symlink("dangling", "nowhere"), symlink("loop", "loop"), symlink("slash", "usr/"),
		symlink("fileslash", "usr/lib/f/"), symlink("root", "/"),
	}
	for i := range 50 {
		layer = append(layer, symlink(fmt.Sprintf("chain%d", i+1), fmt.Sprintf("chain%d", i)))
	}
	tr := apply(t, append(layer, file("chain0", "1")))
	for name, want := range map[string]string{
		".": ".", "": ".", "/": ".", "..": ".", "usr": "usr", "/usr/lib/../lib/./f": "usr/lib/f",
		"lib": "usr/lib", "lib/f": "usr/lib/f", "lib/..": "usr", "abs": "usr/lib/f", "up/lib": "usr/lib",
		"usr/self/self/lib": "usr/lib", "slash": "usr", "slash/lib": "usr/lib", "root/root/lib/f": "usr/lib/f", "chain40": "chain0",
	} {
		if got, err := tr.Resolve(name); got != want || err != nil {
			t.Errorf("Resolve(%q): %q, %v; want %q", name, got, err, want)
		}
	}
	for name, want := range map[string]error{
		"x": fs.ErrNotExist, "x/..": fs.ErrNotExist, "dangling": fs.ErrNotExist, "dangling/x": fs.ErrNotExist,
		"loop": syscall.ELOOP, "loop/x": syscall.ELOOP, "chain41": syscall.ELOOP,
		"abs/x": syscall.ENOTDIR, "usr/lib/f/.": syscall.ENOTDIR, "usr/lib/f/..": syscall.ENOTDIR,
	} {
		if got, err := tr.Resolve(name); !errors.Is(err, want) {
			t.Errorf("Resolve(%q): %q, %v; want %v", name, got, err, want)
		}
	}
}

func TestWalkStops(t *testing.T) {
	tr := apply(t, []tree.Change{file("a/b/f", "1"), file("a/g", "1"), file("c/h", "1"), file("c/i", "1"), file("z", "1")})
	for at, test := range map[string]struct {
		err  error
		want string
	}{
		"a":   {fs.SkipDir, ". a c c/h c/i z"},
		"a/b": {fs.SkipDir, ". a a/b a/g c c/h c/i z"},
		"c/h": {fs.SkipDir, ". a a/b a/b/f a/g c c/h z"},
		"a/g": {fs.SkipAll, ". a a/b a/b/f a/g"},
		".":   {fs.SkipDir, "."},
	} {
		var got []string
		err := tr.Walk(".", func(name string, _ *tree.Node) error {
			if got = append(got, name); name == at {
				return test.err
			}
			return nil
		})
		if s := strings.Join(got, " "); s != test.want || err != nil {
			t.Errorf("%v at %s: %s, %v; want %s", test.err, at, s, err, test.want)
		}
	}
	mine := errors.New("mine")
	if err := tr.Walk("c", func(string, *tree.Node) error { return mine }); !errors.Is(err, mine) {
		t.Errorf("got %v", err)
	}
	if err := tr.Walk("x", func(string, *tree.Node) error { return nil }); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestWalkIsInTheOrderOfCompare(t *testing.T) {
	tr := apply(t, []tree.Change{file("a-b", ""), file("a/b", ""), file("a/b-c", ""), file("a.b/c", ""), file("a\x01", ""), file("b", "")})
	last := ""
	err := tr.Walk(".", func(name string, _ *tree.Node) error {
		if last != "" && (tree.Compare(last, name) != -1 || tree.Compare(name, last) != 1 || tree.Compare(name, name) != 0) {
			t.Errorf("%q and %q", last, name)
		}
		last = name
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
