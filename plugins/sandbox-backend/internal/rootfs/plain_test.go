// SPDX-License-Identifier: Apache-2.0

package rootfs

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

func TestIDs(t *testing.T) {
	id, err := newIDs("         0       1000          1\n         1     100000      65536\n", "0 0 4294967295\n")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ uid, gid, diskUID, diskGID uint32 }{
		{0, 0, 0, 0}, {1, 1, 1, 1}, {65536, 70000, 65536, 70000}, {65537, 1<<32 - 2, 0, 1<<32 - 2}, {1<<32 - 1, 1<<32 - 1, 0, 0},
	} {
		if uid, gid := id.disk(c.uid, c.gid); uid != c.diskUID || gid != c.diskGID {
			t.Errorf("%d:%d is %d:%d on disk, want %d:%d", c.uid, c.gid, uid, gid, c.diskUID, c.diskGID)
		}
	}
	one, err := newIDs("0 1000 1", "0 1000 1")
	if err != nil {
		t.Fatal(err)
	}
	if uid, gid, strange := one.seen(65534, 0); uid != 0 || gid != 0 || !strange {
		t.Errorf("an owner that is not mapped is %d:%d, %v", uid, gid, strange)
	}
	if one.key == id.key {
		t.Error("two mappings share their files")
	}
	again, err := newIDs("0\t1000 1\n", "0 1000    1")
	if err != nil || again.key != one.key {
		t.Errorf("the same mapping does not: %v", err)
	}
	for _, bad := range []string{"x", "0 0", "0 0 -1"} {
		if _, err := newIDs(bad, ""); err == nil {
			t.Errorf("map %q is fine", bad)
		}
	}
}

func TestNames(t *testing.T) {
	var got []string
	above("a/b/c", func(dir string) bool { got = append(got, dir); return true })
	if want := []string{"a/b", "a", "."}; !slices.Equal(got, want) {
		t.Errorf("above a/b/c: %q", got)
	}
	for _, c := range []struct {
		name, dir string
		want      bool
	}{{"a/b", "a", true}, {"a", "a", false}, {"ab", "a", false}, {"a", ".", true}} {
		if got := under(c.name, c.dir); got != c.want {
			t.Errorf("%q under %q: %v", c.name, c.dir, got)
		}
	}
}

// TestAboutNames: names are any bytes, and come back as they were.
func TestAboutNames(t *testing.T) {
	a := &about{Frame: []name{name("a\xff\n"), name("b")}, Holed: []name{name("c")}, Whole: true}
	path := filepath.Join(t.TempDir(), aboutName)
	if err := a.write(path); err != nil {
		t.Fatal(err)
	}
	b, err := readAbout(path)
	if err != nil || !reflect.DeepEqual(a, b) {
		t.Errorf("%+v, %v", b, err)
	}
	if data, err := json.Marshal(&about{}); err != nil || string(data) != "{}" {
		t.Errorf("nothing known: %s, %v", data, err)
	}
}

func TestDigests(t *testing.T) {
	l := &layers{dir: t.TempDir()}
	for _, bad := range []string{"", "sha256:", "sha256:../../x", "sha512:" + strings.Repeat("a", 64), "sha256:" + strings.Repeat("g", 64), "sha256:" + strings.Repeat("a", 63)} {
		if path, err := l.path(bad); err == nil {
			t.Errorf("digest %q is folder %s", bad, path)
		}
	}
}

// there is a file found on disk.
func there(name string, n tree.Node) found {
	n.ModTime = time.Unix(7, 0)
	return found{name: name, node: &n}
}

// TestDiff shows rules that commands alone cannot show on every machine.
func TestDiff(t *testing.T) {
	before, err := tree.Empty().Apply([]tree.Change{
		{Name: "f", Node: &tree.Node{UID: 70000, GID: 5, Mode: 0o644, ModTime: time.Unix(7, 0), Size: 3, Content: tree.Content{Layer: "l", Digest: "sha256:f"}}},
		{Name: "d", Node: &tree.Node{Kind: tree.Dir, Mode: 0o755, ModTime: time.Unix(7, 9)}},
		{Name: "d/a", Node: &tree.Node{Kind: tree.Fifo}},
		{Name: "x", Node: &tree.Node{Kind: tree.Dir, UID: 70000, Mode: 0o755, ModTime: time.Unix(7, 0), Xattrs: map[string]string{"trusted.x": "1"}}},
		{Name: "g", Node: &tree.Node{Kind: tree.Dir, GID: 50, Mode: 0o2775, ModTime: time.Unix(7, 0)}},
		{Name: "m", Node: &tree.Node{Kind: tree.Dir, UID: 33, GID: 34, Mode: 0o700, ModTime: time.Unix(7, 0)}},
		{Name: "m/f", Node: &tree.Node{UID: 33, GID: 35, Mode: 0o640, ModTime: time.Unix(7, 0), Size: 5, Content: tree.Content{Layer: "l", Offset: 9, Digest: "sha256:m"}}},
		{Name: "m/l", Node: &tree.Node{Kind: tree.Symlink, UID: 33, GID: 34, ModTime: time.Unix(7, 0), Target: "f"}},
		{Name: "s", Node: &tree.Node{Kind: tree.Fifo, UID: 1, ModTime: time.Unix(7, 0)}},
		{Name: "t", Node: &tree.Node{Kind: tree.Fifo, UID: 2, ModTime: time.Unix(7, 0)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	one, err := newIDs("0 1000 1", "0 1000 1")
	if err != nil {
		t.Fatal(err)
	}
	file := tree.Node{Mode: 0o644, Size: 3}
	group := there("g", tree.Node{Kind: tree.Dir, Mode: 0o2775})
	moved := func() []found {
		return []found{{name: "m"}, there("n", tree.Node{Kind: tree.Dir, Mode: 0o700}),
			there("n/f", tree.Node{Mode: 0o640, Size: 5}), there("n/l", tree.Node{Kind: tree.Symlink, Target: "f"})}
	}
	for _, c := range []struct {
		name  string
		found []found
		sum   string
		want  []string
	}{
		{"owners that are not mapped are those of before", []found{there("f", file)}, "sha256:f", nil},
		{"bytes decide when all else is equal", []found{there("f", file)}, "sha256:g", []string{`put "f" 70000:5`}},
		{"what replaces a file has its owner", []found{there("f", tree.Node{Mode: 0o600, Size: 3})}, "", []string{`put "f" 70000:5`}},
		{"a new file is of the superuser", []found{there("n", file)}, "", []string{`put "n" 0:0`}},
		{"fractions of a second are not in layers", []found{there("d", tree.Node{Kind: tree.Dir, Mode: 0o755})}, "", nil},
		{"attributes that the disk cannot have stay", []found{there("x", tree.Node{Kind: tree.Dir, Mode: 0o755})}, "", nil},
		{"a folder that is moved keeps all owners", moved(), "sha256:m", []string{`remove "m"`, `put "n" 33:34`, `put "n/f" 33:35`, `put "n/l" 33:34`}},
		{"another file is not one that was moved", moved(), "sha256:f", []string{`remove "m"`, `put "n" 33:34`, `put "n/f" 0:0`, `put "n/l" 33:34`}},
		{"a folder that is there still was not moved", moved()[1:], "sha256:m", []string{`put "n" 0:0`, `put "n/f" 0:0`, `put "n/l" 0:0`}},
		{"of two owners nobody knows the right one", []found{{name: "s"}, {name: "t"}, there("n", tree.Node{Kind: tree.Fifo})}, "", []string{`put "n" 0:0`, `remove "s"`, `remove "t"`}},
		{"what is made in a folder with setgid is of its group", []found{group, there("g/d", tree.Node{Kind: tree.Dir, Mode: 0o2755}), there("g/d/f", file)}, "",
			[]string{`put "g" 0:50`, `put "g/d" 0:50`, `put "g/d/f" 0:50`}},
		{"what is moved there is not", []found{group, {name: "m/f"}, there("g/f", tree.Node{Mode: 0o640, Size: 5})}, "sha256:m", []string{`put "g" 0:50`, `put "g/f" 33:35`, `put "m" 33:34`, `remove "m/f"`}},
		{"a whiteout of nothing is nothing", []found{{name: "never"}}, "", nil},
		{"folders above are named", []found{{name: "d/a"}}, "", []string{`put "d" 0:0`, `remove "d/a"`}},
		{"sorted, however it was found", []found{there("d/b", file), there("a", file)}, "", []string{`put "a" 0:0`, `put "d" 0:0`, `put "d/b" 0:0`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := diff{before: Of(before), id: one, digest: func(string) (string, error) { return c.sum, nil }}
			if err := d.run(c.found); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, ch := range d.out {
				if ch.Op == tree.Put {
					got = append(got, fmt.Sprintf("put %q %d:%d", ch.Name, ch.Node.UID, ch.Node.GID))
					continue
				}
				got = append(got, fmt.Sprintf("%s %q", map[tree.Op]string{tree.Link: "link", tree.Remove: "remove", tree.Clear: "clear"}[ch.Op], ch.Name))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// fewAnswers counts how often it is asked.
type fewAnswers struct {
	Before
	asked int
}

func (f *fewAnswers) Nodes(names []string) ([]*tree.Node, error) {
	f.asked++
	return f.Before.Nodes(names)
}

// TestMountsAskLittle: each question may be a message to another process.
func TestMountsAskLittle(t *testing.T) {
	before, err := tree.Empty().Apply([]tree.Change{
		{Name: "etc", Node: &tree.Node{Kind: tree.Dir}},
		{Name: "etc/hosts", Node: &tree.Node{}},
		{Name: "a", Node: &tree.Node{Kind: tree.Symlink, Target: "a"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	b := &fewAnswers{Before: Of(before)}
	names, missing, err := placeMounts(b, []Mountpoint{{"/proc", true}, {"/etc/hosts", false}, {"/dev/shm", true}, {"/etc/../x/y", false}})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"proc", "etc/hosts", "dev/shm", "x/y"}; !slices.Equal(names, want) {
		t.Errorf("mounts at %q", names)
	}
	if len(missing) != 5 || missing["x/y"].Kind != tree.File || missing["x"].Kind != tree.Dir {
		t.Errorf("missing: %v", missing)
	}
	if b.asked > 3 {
		t.Errorf("asked %d times", b.asked)
	}
	var wrong *MountError
	_, _, err = placeMounts(b, []Mountpoint{{"/a/b", true}})
	if !errors.Is(err, syscall.ELOOP) || !errors.As(err, &wrong) || wrong.Target != "/a/b" {
		t.Errorf("a link to itself: %v", err)
	}
	if _, _, err = placeMounts(b, []Mountpoint{{"/" + strings.Repeat("n", 256), true}}); !errors.As(err, &wrong) {
		t.Errorf("a name that cannot be: %v", err)
	}
}
