// SPDX-License-Identifier: Apache-2.0

package buildctx_test

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/sdk/buildctx"
)

// tree makes files below a new folder. A name that ends in "/" is a folder; a
// content that begins with "->" is the target of a link.
func tree(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		file := filepath.Join(dir, name)
		target, link := strings.CutPrefix(content, "->")
		var err error
		switch {
		case strings.HasSuffix(name, "/"):
			err = os.MkdirAll(file, 0o755)
		case link:
			err = errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.Symlink(target, file))
		default:
			err = errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(content), 0o644))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func open(t testing.TB, dir string, memo *buildctx.Memo, ignore ...string) *buildctx.Context {
	t.Helper()
	g, err := buildctx.NewIgnore(ignore)
	if err != nil {
		t.Fatal(err)
	}
	c, err := buildctx.Open(dir, buildctx.Options{Ignore: g, Memo: memo})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func walk(t testing.TB, c *buildctx.Context, dir string) []string {
	t.Helper()
	var got []string
	if err := c.Walk(dir, func(e buildctx.Entry) error { got = append(got, e.Path); return nil }); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestOpenErrors(t *testing.T) {
	dir := tree(t, map[string]string{"file": ""})
	tests := map[string]string{
		"":                           "no build context given",
		filepath.Join(dir, "no"):     "does not exist",
		filepath.Join(dir, "file"):   "is not a folder",
		filepath.Join(dir, "file/x"): "opening build context",
	}
	for name, want := range tests {
		_, err := buildctx.Open(name, buildctx.Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want …%s…", name, err, want)
		}
	}
}

func TestWalk(t *testing.T) {
	dir := tree(t, map[string]string{
		"b": "", "a/z": "", "a/y/x": "", "a-b": "", "link": "->a", "empty/": "", "new\nline": "", "bad\xff": "",
	})
	tests := []struct {
		name   string
		dir    string
		ignore []string
		want   []string
	}{
		{"all", ".", nil, []string{"a", "a/y", "a/y/x", "a/z", "a-b", "b", "bad\xff", "empty", "link", "new\nline"}},
		{"below", "a", nil, []string{"a/y", "a/y/x", "a/z"}},
		{"files", ".", []string{"b*", "*\n*"}, []string{"a", "a/y", "a/y/x", "a/z", "a-b", "empty", "link"}},
		{"put back", ".", []string{"*", "!a/y/x"}, []string{"a", "a/y", "a/y/x"}},
		{"put back late", ".", []string{"*", "!a/z"}, []string{"a", "a/z"}},
		{"put back nothing", ".", []string{"*", "!a/nothing"}, nil},
		{"put back and hidden", ".", []string{"*", "!a", "a/y"}, []string{"a", "a/z"}},
		{"put back everywhere", ".", []string{"**", "!**/x"}, []string{"a", "a/y", "a/y/x"}},
		{"hidden below hidden", "a/y", []string{"a"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := walk(t, open(t, dir, nil, tt.ignore...), tt.dir); !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

// TestWalkPrunes compares with a walk that looks everywhere.
func TestWalkPrunes(t *testing.T) {
	files := map[string]string{}
	rng := rand.New(rand.NewPCG(3, 4))
	for range 60 {
		var parts []string
		for range 1 + rng.IntN(4) {
			parts = append(parts, pick(rng, "a", "b", "ab", "é"))
		}
		files[strings.Join(parts, "/")+"/f"] = ""
	}
	dir := tree(t, files)
	all := walk(t, open(t, dir, nil), ".")
	for range 400 {
		patterns := []string{pick(rng, "*", "**", "a", "b"), "!" + strings.TrimPrefix(randomPattern(rng), "!"), randomPattern(rng)}
		if _, err := buildctx.NewIgnore(patterns); err != nil {
			continue // "!/" and the like
		}
		c := open(t, dir, nil, patterns...)
		var want []string
		for _, name := range all {
			if _, hidden := c.Excluded(name); !hidden {
				want = append(want, name)
			}
		}
		got := slices.DeleteFunc(walk(t, c, "."), func(name string) bool {
			_, hidden := c.Excluded(name)
			return hidden && slices.ContainsFunc(want, func(w string) bool { return strings.HasPrefix(w, name+"/") })
		})
		if !slices.Equal(got, want) {
			t.Fatalf("%q:\ngot  %q\nwant %q", patterns, got, want)
		}
	}
}

func TestWalkSkipDir(t *testing.T) {
	dir := tree(t, map[string]string{"a/b/c": "", "a/d": "", "e": ""})
	for _, tt := range []struct {
		skip   string
		ignore []string
		want   []string
	}{
		{"a", nil, []string{"a", "e"}},
		{"a/b", nil, []string{"a", "a/b", "a/d", "e"}},
		{"a", []string{"*", "!a/b/c", "!e"}, []string{"a", "e"}},
		{"a/b", []string{"*", "!a/b/c", "!a/d"}, []string{"a", "a/b", "a/d"}},
	} {
		var got []string
		err := open(t, dir, nil, tt.ignore...).Walk(".", func(e buildctx.Entry) error {
			got = append(got, e.Path)
			if e.Path == tt.skip {
				return fs.SkipDir
			}
			return nil
		})
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("skip %s, ignore %q: got %q %v, want %q", tt.skip, tt.ignore, got, err, tt.want)
		}
	}
}

func TestResolve(t *testing.T) {
	outside := tree(t, map[string]string{"secret": "s", "etc/passwd": ""})
	dir := tree(t, map[string]string{
		"a/f": "", "in": "->a/f", "dir": "->a", "abs": "->/a/f", "up": "->../../../a/f", "loop": "->loop",
		"out": "->" + outside + "/secret", "chain": "->dir", "hidden": "", "tohidden": "->hidden", "odd\nname": "",
	})
	c := open(t, dir, nil, "hidden")
	tests := []struct{ name, want, err string }{
		{".", ".", ""}, {"", ".", ""}, {"/", ".", ""}, {"a", "a", ""}, {"a/f", "a/f", ""},
		{"in", "a/f", ""}, {"dir/f", "a/f", ""}, {"chain/f", "a/f", ""}, {"abs", "a/f", ""}, {"up", "a/f", ""},
		{"../../a/f", "a/f", ""}, {"odd\nname", "odd\nname", ""},
		{"out", "", "is not in the build context"},
		{"../../../../../../.." + outside + "/secret", "", "is not in the build context"},
		{"loop", "", "leads through more than 255 symbolic links"},
		{"a/f/g", "", "is not in the build context"},
		{"nothing", "", "is not in the build context"},
		{"hidden", "", `"hidden" is left out of the build context by ignore rule 1 ("hidden"); change that rule, or add "!hidden" after it`},
		{"tohidden", "", `is left out of the build context`},
	}
	for _, tt := range tests {
		got, err := c.Resolve(tt.name)
		if got != tt.want && tt.err == "" || err == nil && tt.err != "" || err != nil && (tt.err == "" || !strings.Contains(err.Error(), tt.err)) {
			t.Errorf("%q: got %q %v, want %q …%s…", tt.name, got, err, tt.want, tt.err)
		}
		if tt.err != "" && !strings.Contains(tt.err, "symbolic") && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: %v is not an fs.ErrNotExist", tt.name, err)
		}
	}
}

func TestGlob(t *testing.T) {
	dir := tree(t, map[string]string{
		"a.go": "", "b.go": "", "c.txt": "", "src/x.go": "", "src/sub/y.go": "", "src/sub/z.txt": "", "[odd]": "",
		"link": "->src", "no.go": "", "star*": "", `back\slash`: "", "new\nline.go": "",
	})
	c := open(t, dir, nil, "no.go")
	tests := []struct {
		source     string
		want, deep []string // deep: nil when the same
	}{
		{"a.go", []string{"a.go"}, nil},
		{"/a.go", []string{"a.go"}, nil},
		{"../a.go", []string{"a.go"}, nil},
		{"no.go", nil, nil},
		{"*.go", []string{"a.go", "b.go", "new\nline.go"}, nil},
		{"?.go", []string{"a.go", "b.go"}, nil},
		{"*/x.go", []string{"src/x.go"}, nil},
		{"s*", []string{"src", "star*"}, nil},
		{"src/*/*.txt", []string{"src/sub/z.txt"}, nil},
		{"link/*.go", []string{"src/x.go"}, []string{}},
		{"src/**/z.txt", []string{"src/sub/z.txt"}, nil},
		{"src/**/x.go", []string{}, []string{"src/x.go"}},
		{"**/*.go", []string{"src/x.go"}, []string{"a.go", "b.go", "new\nline.go", "src/sub/y.go", "src/x.go"}},
		{"[[]odd]", []string{"[odd]"}, nil},
		{`back\slash`, []string{`back\slash`}, nil},
		{`star\*`, []string{}, []string{"star*"}},
		{"a.go/*", []string{}, nil},
		{"zzz/*", []string{}, nil},
		{".", []string{"."}, nil},
	}
	for _, tt := range tests {
		got, err := c.Glob(tt.source)
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("Glob(%q) = %q, %v, want %q", tt.source, got, err, tt.want)
		}
		if tt.deep == nil {
			tt.deep = tt.want
		}
		got, err = c.GlobDeep(tt.source)
		if err != nil || !slices.Equal(got, tt.deep) {
			t.Errorf("GlobDeep(%q) = %q, %v, want %q", tt.source, got, err, tt.deep)
		}
	}
	if _, err := c.Glob("a[b"); err == nil {
		t.Error("a malformed pattern is no error")
	}
}

func TestFindIgnore(t *testing.T) {
	dir := tree(t, map[string]string{
		"ctx/.dockerignore": "a\n", "ctx/Dockerfile": "", "f/Dockerfile.x": "", "f/Dockerfile.x.dockerignore": "b\n",
		"f/Dockerfile.empty.dockerignore": "", "bad/.dockerignore/": "", "none/": "",
	})
	tests := []struct {
		ctx, file string
		want      []string
		err       bool
	}{
		{"ctx", "ctx/Dockerfile", []string{"a"}, false},
		{"ctx", "", []string{"a"}, false},
		{"ctx", "f/Dockerfile.x", []string{"b"}, false},
		{"ctx", "f/Dockerfile.empty", []string{}, false},
		{"none", "ctx/Dockerfile", nil, false},
		{"bad", "", nil, true},
	}
	for _, tt := range tests {
		file := ""
		if tt.file != "" {
			file = filepath.Join(dir, tt.file)
		}
		g, err := buildctx.FindIgnore(filepath.Join(dir, tt.ctx), file)
		if (err != nil) != tt.err || !slices.Equal(g.Patterns(), tt.want) || (g == nil) != (tt.want == nil) {
			t.Errorf("%s, %s: got %q %v, want %q", tt.ctx, tt.file, g.Patterns(), err, tt.want)
		}
	}
}
