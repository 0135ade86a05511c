// SPDX-License-Identifier: Apache-2.0

package transfer_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/transfer"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

func TestReads(t *testing.T) {
	files := map[string]string{"a.go": "", "b.go": "", "c.md": "", "d/x.go": "", "d/e/y.go": "", "l": "-> d"}
	disk := context(t, folder(t, files), "b.go")
	img := image(t, `f 644 0:0 a.go ""`, `f 644 0:0 c.md ""`, "d 755 0:0 d", `f 644 0:0 d/x.go ""`, "d 755 0:0 d/e", `f 644 0:0 d/e/y.go ""`, "l 777 0:0 l -> d")
	for name, c := range map[string]struct {
		step *irv1.Transfer
		want []string
		idle []string
	}{
		"names":     {copyOf("/", "c.md", "d"), []string{"c.md", "d"}, nil},
		"all":       {copyOf("/", "."), []string{"."}, nil},
		"wildcards": {copyOf("/", "*.go", "l/*"), []string{"a.go", "d/e", "d/x.go"}, nil},
		"a link":    {copyOf("/", "l"), []string{"l"}, nil},
		"deep":      {&irv1.Transfer{Sources: []string{"**/*.go"}, Parents: true}, []string{"a.go", "d/e/y.go", "d/x.go"}, nil},
		"remote":    {&irv1.Transfer{Add: true, Sources: []string{"https://example.com/x", "git@example.com:r.git", "c.md"}}, []string{"c.md"}, nil},
		"no URL":    {&irv1.Transfer{Inline: []*irv1.InlineFile{{Name: "i"}}}, nil, nil},
		"idle":      {copyOf("/", "*.nope", "c.md", "l/?"), []string{"c.md", "d/e"}, []string{"*.nope"}},
	} {
		for _, from := range []transfer.Files{disk, img} {
			got, idle, err := transfer.Reads(c.step, from)
			if err != nil || !slices.Equal(got, c.want) || !slices.Equal(idle, c.idle) {
				t.Errorf("%s: Reads of %T = %q, idle %q, %v; want %q, %q", name, from, got, idle, err, c.want, c.idle)
			}
		}
	}
	_, _, err := transfer.Reads(copyOf("/", "nope"), img)
	wantProblem(t, err, `the source "nope" does not exist`, "sources are relative to the root of the build context, stage or image")
}

// TestDigestOfContext changes a context and looks which steps see it.
func TestDigestOfContext(t *testing.T) {
	names := copyOf("/", "a", "d/x")
	glob := copyOf("/", "d/*", "*.later")
	deep := &irv1.Transfer{Sources: []string{"d/x"}, Parents: true}
	for name, c := range map[string]struct {
		change            func(dir string) error
		names, glob, deep bool
	}{
		"nothing":     {func(dir string) error { return nil }, false, false, false},
		"other file":  {func(dir string) error { return os.WriteFile(filepath.Join(dir, "o"), nil, 0o644) }, false, false, false},
		"content":     {func(dir string) error { return os.WriteFile(filepath.Join(dir, "d/x"), []byte("y"), 0o644) }, true, true, true},
		"mode":        {func(dir string) error { return os.Chmod(filepath.Join(dir, "d/x"), 0o600) }, true, true, true},
		"time":        {func(dir string) error { return os.Chtimes(filepath.Join(dir, "d/x"), time.Time{}, time.Unix(1, 0)) }, false, false, false},
		"new match":   {func(dir string) error { return os.WriteFile(filepath.Join(dir, "d/new"), nil, 0o644) }, false, true, false},
		"first match": {func(dir string) error { return os.WriteFile(filepath.Join(dir, "a.later"), nil, 0o644) }, false, true, false},
		"folder mode": {func(dir string) error { return os.Chmod(filepath.Join(dir, "d"), 0o700) }, false, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, map[string]string{"a": "a", "d/x": "x", "o": "o"})
			from := context(t, dir)
			digests := func() (all [3]string) {
				for i, step := range []*irv1.Transfer{names, glob, deep} {
					var err error
					all[i], _, err = transfer.Digest(step, from)
					must(t, err)
				}
				return all
			}
			before := digests()
			must(t, c.change(dir))
			after := digests()
			for i, want := range []bool{c.names, c.glob, c.deep} {
				if (before[i] != after[i]) != want {
					t.Errorf("step %d: a change is %v", i, !want)
				}
			}
		})
	}
}

// TestDigestOfImage compares images that differ in one thing.
func TestDigestOfImage(t *testing.T) {
	step := copyOf("/", "l", "f*")
	digest := func(lines ...string) string {
		t.Helper()
		d, _, err := transfer.Digest(step, image(t, lines...))
		must(t, err)
		return d
	}
	base := []string{"d 755 0:0 d", `f 644 0:0 d/x "x"`, "l 777 0:0 l -> d", `f 644 0:0 f1 "1"`, `f 644 0:0 o "o"`}
	first := digest(base...)
	for name, c := range map[string]struct {
		line  int
		to    string
		other bool
	}{
		"other file":       {4, `f 644 5:5 o "p"`, false},
		"behind the link":  {1, `f 644 0:0 d/x "y"`, true},
		"owner":            {3, `f 644 1:0 f1 "1"`, true},
		"another name":     {3, `f 644 0:0 f2 "1"`, true},
		"link, same place": {2, "l 777 0:0 l -> /d", false},
	} {
		lines := slices.Clone(base)
		lines[c.line] = c.to
		if (digest(lines...) != first) != c.other {
			t.Errorf("%s: the digest is another: %v", name, !c.other)
		}
	}
}
