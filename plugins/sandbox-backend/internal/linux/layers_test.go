// SPDX-License-Identifier: Apache-2.0

//go:build system && linux

package linux

import (
	"archive/tar"
	"fmt"
	"math/rand"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/driver"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// foundInM lists the files of /m as wanted does.
const foundInM = `cd /m; find . -mindepth 1 | while read -r f; do f=${f#./}; k=$(stat -c %F "$f")
case $k in regular*) echo "$f file $(stat -c %s "$f")";; symb*) echo "$f link $(readlink "$f")";; *) echo "$f folder";; esac; done`

// wanted lists the files of a tree.
func wanted(t testing.TB, of *tree.Tree) []string {
	var out []string
	must(t, of.Walk(".", func(name string, n *tree.Node) error {
		switch {
		case name == ".":
		case n.Kind == tree.Dir:
			out = append(out, name+" folder")
		case n.Kind == tree.Symlink:
			out = append(out, name+" link "+n.Target)
		default:
			out = append(out, fmt.Sprintf("%s file %d", name, n.Size))
		}
		return nil
	}))
	slices.Sort(out)
	return out
}

// parse reads a line of layers: "name" and what it is, apart by spaces, "|"
// between two layers.
func (r *rig) parse(text string) (driver.Chain, error) {
	chain := driver.Chain{Tree: tree.Empty()}
	for part := range strings.SplitSeq(text, "|") {
		var headers []tar.Header
		for word := range strings.FieldsSeq(part) {
			headers = append(headers, header(word))
		}
		var err error
		if chain, err = r.tryRaw(chain, headers...); err != nil {
			return chain, err
		}
	}
	return chain, nil
}

// header reads "a/", a folder, "a->b", a symbolic link, "a=b", a hard link,
// "-a", a whiteout, "a/*", one of all in a folder, or "a:5", a file of 5 bytes.
func header(word string) tar.Header {
	h := tar.Header{Name: word, Mode: 0o755, Typeflag: tar.TypeReg}
	if name, target, ok := strings.Cut(word, "->"); ok {
		h.Name, h.Linkname, h.Typeflag = name, target, tar.TypeSymlink
	} else if name, target, ok := strings.Cut(word, "="); ok {
		h.Name, h.Linkname, h.Typeflag = name, target, tar.TypeLink
	} else if name, ok := strings.CutPrefix(word, "-"); ok {
		h.Name = path.Join(path.Dir(name), ".wh."+path.Base(name))
	} else if name, ok := strings.CutSuffix(word, "/*"); ok {
		h.Name = name + "/.wh..wh..opq"
	} else if strings.HasSuffix(word, "/") {
		h.Typeflag = tar.TypeDir
	} else if name, size, ok := strings.Cut(word, ":"); ok {
		h.Name, h.Size = name, int64(number(size))
	}
	return h
}

func number(text string) (n int) {
	fmt.Sscan(text, &n)
	return n
}

// What a command sees of an image is what the index says, whatever the order of
// a layer's entries and whatever they replace.
func TestLayersOutOfOrder(t *testing.T) {
	r := newRig(t)
	layers := []string{
		"s->/b a=s a/ a/a:1",                // a hard link, then a folder of its name
		"a:1 b=a a:2",                       // and one to what is replaced
		"a:1 b/ | c=a a:2",                  //
		"a/b:1 | a:2 a/",                    // a file between two folders
		"b/a:1 a/b->/a | a/b/a/ a/b/",       // a folder after what is in it
		"a->/b b/ | a/c/ a->..",             // a link after what is in it
		"b/ a->.. | a/b/ a/a/ b/a->x",       // what is in it takes its own place
		"a/b->/a a/a/ | -a/b/a a/b->/b",     // a whiteout by a link that is replaced
		"a->/b b/c:1 | -a a/d:2",            // a link that is removed
		"a/ a/b:1 | b/a/ -a a->b | a/*",     //
		"a/b:1 | a/* a/c:2 | -a/c a/d:3 -a", //
	}
	rnd := rand.New(rand.NewSource(3))
	for range 100 {
		layers = append(layers, randomLayers(rnd))
	}
	for _, text := range layers {
		chain, err := r.parse(text)
		if err != nil {
			continue // no layer at all, and said so
		}
		all := driver.Mount{Target: "/m", ReadOnly: true, Tree: &driver.Subtree{Chain: chain, Path: "."}}
		got := r.run(foundInM, mounted(all))
		have := slices.Sorted(strings.Lines(got.out))
		want := strings.Join(wanted(t, chain.Tree), "\n")
		if got.failure != nil || strings.TrimSuffix(strings.Join(have, ""), "\n") != want {
			t.Errorf("%s: %v %s\n%s\nwant\n%s", text, got.failure, got.err, strings.Join(have, ""), want)
		}
	}
}

// randomLayers makes some layers, most of which are possible.
func randomLayers(rnd *rand.Rand) string {
	one := func(of ...string) string { return of[rnd.Intn(len(of))] }
	name := func() string { return one("a", "b", "a/a", "a/b", "b/a", "a/b/a", "b/b") }
	var b strings.Builder
	for i := range 1 + rnd.Intn(3) {
		if i > 0 {
			b.WriteString("| ")
		}
		for size := range 2 + rnd.Intn(4) {
			b.WriteString(one(
				name()+"/", name()+"/", name()+"/", fmt.Sprint(name(), ":", 10*i+size+1), fmt.Sprint(name(), ":", 10*i+size+1),
				name()+"->"+one("/a", "b", "..", "/b/b", "../../../x"), name()+"->"+one("/a", "b", ".."), name()+"="+name(), "-"+name(), name()+"/*",
			) + " ")
		}
	}
	return b.String()
}
