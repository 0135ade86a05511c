// SPDX-License-Identifier: Apache-2.0

package transfer_test

import (
	"archive/tar"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/transfer"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

func TestAddRemotes(t *testing.T) {
	const (
		url = "https://example.com/dir/file.txt?q=1"
		tgz = "https://example.com/x.tar"
		git = "https://example.com/r.git#v1"
	)
	dir := folder(t, map[string]string{"file.txt": "served", "x.tar": tarOf(t, member(tar.TypeReg, "in", ""))})
	must(t, os.Chmod(filepath.Join(dir, "file.txt"), 0o600))
	fetched := context(t, dir)
	repo := context(t, folder(t, map[string]string{"top": "t", "sub/f": "f", "out": "-> /../../etc/passwd"}))
	committed := time.Date(2021, 2, 3, 4, 5, 6, 0, time.UTC)
	remotes := map[string]transfer.Remote{
		url: {Files: fetched, Name: "file.txt"}, tgz: {Files: fetched, Name: "x.tar"}, git: {Files: repo, Time: committed},
	}
	local := context(t, folder(t, map[string]string{"local": "l"}))
	add := func(to string, sources ...string) *irv1.Transfer {
		return &irv1.Transfer{Add: true, Sources: sources, Destination: to}
	}
	unpack := add("/open/", tgz)
	unpack.Unpack = irv1.Unpack_UNPACK_ALWAYS
	unpack.Chown = "9"
	parents := add("/n/", url, "local")
	parents.Parents = true
	for name, c := range map[string]struct {
		step *irv1.Transfer
		want []string
	}{
		"URL":             {add("/named", url), []string{`f 600 0:0 named "served"`}},
		"URL and file":    {add("/u/", url, "local"), []string{"d 755 0:0 u", `f 600 0:0 u/file.txt "served"`, `f 644 0:0 u/local "l"`}},
		"with parents":    {parents, []string{"d 755 0:0 n", `f 600 0:0 n/file.txt "served"`, `f 644 0:0 n/local "l"`}},
		"unpacked":        {unpack, []string{"d 755 9:9 open", `f 644 9:9 open/in "z"`}},
		"repository":      {add("/all", git), []string{"d 755 0:0 all", "l 777 0:0 all/out -> /../../etc/passwd", "d 755 0:0 all/sub", `f 644 0:0 all/sub/f "f"`, `f 644 0:0 all/top "t"`}},
		"repository, too": {add("/srv/", git, url), []string{"d 755 0:0 srv", `f 600 0:0 srv/file.txt "served"`, "l 777 0:0 srv/out -> /../../etc/passwd", "d 755 0:0 srv/sub", `f 644 0:0 srv/sub/f "f"`, `f 644 0:0 srv/top "t"`}},
	} {
		t.Run(name, func(t *testing.T) {
			entries, err := plan(t, transfer.Job{Step: c.step, From: local, Remotes: remotes, Onto: debian(t)})
			must(t, err)
			wantLines(t, entries, c.want...)
			for _, e := range entries {
				if name == "repository" && !e.Node.ModTime.Equal(committed) {
					t.Errorf("%s has time %v", e.Name, e.Node.ModTime)
				}
			}
		})
	}
	entries, err := plan(t, transfer.Job{Step: add("/packed", tgz), Remotes: remotes, Onto: image(t)})
	must(t, err)
	if len(entries) != 1 || entries[0].Name != "packed" {
		t.Errorf("entries are %v", lines(t, entries))
	}
}

func TestTimes(t *testing.T) {
	from := context(t, folder(t, map[string]string{"d/f": "f"}))
	step := &irv1.Transfer{Sources: []string{"d/f"}, Inline: []*irv1.InlineFile{{Name: "i"}}, Destination: "/new/"}
	onto := debian(t)
	entries, err := plan(t, transfer.Job{Step: step, From: from, Onto: onto})
	must(t, err)
	for _, e := range entries {
		want := transfer.Epoch
		if e.Name == "new/f" {
			want = then.Truncate(time.Second)
		}
		if !e.Node.ModTime.Equal(want) {
			t.Errorf("%s has time %v, want %v", e.Name, e.Node.ModTime, want)
		}
	}
	entries, err = plan(t, transfer.Job{Step: copyOf("/srv/", "d/f"), From: from, Onto: onto})
	must(t, err)
	if e := entries[0]; e.Name != "srv" || !e.Node.ModTime.Equal(then) {
		t.Errorf("the repeated folder %s has time %v", e.Name, e.Node.ModTime)
	}
}

// TestFolderForAFolder copies a folder to a place that does not exist: what is
// made has the folder's time, and by a mount's wish all else of it.
func TestFolderForAFolder(t *testing.T) {
	dir := folder(t, map[string]string{"d/f": "f"})
	must(t, os.Chmod(filepath.Join(dir, "d"), 0o700))
	must(t, os.Chtimes(filepath.Join(dir, "d"), then, then))
	made := image(t, "d 2711 7:8 d", `f 644 0:0 d/f "f"`)
	for name, c := range map[string]struct {
		from   transfer.Files
		source string
		same   bool
		line   string
		time   time.Time
	}{
		"context":        {context(t, dir), "d", false, "d 755 0:0 new", then.Truncate(time.Second)},
		"stage":          {made, "d", false, "d 755 0:0 new", then.Truncate(time.Second)},
		"root of stage":  {made, ".", false, "d 755 0:0 new", transfer.Epoch},
		"mount":          {context(t, dir), "d", true, "d 700 0:0 new", then.Truncate(time.Second)},
		"mount of stage": {made, "d", true, "d 2711 7:8 new", then.Truncate(time.Second)},
	} {
		entries, err := plan(t, transfer.Job{Step: copyOf("/new", c.source), From: c.from, Onto: debian(t), Same: c.same})
		must(t, err)
		if got := lines(t, entries[:1]); got[0] != c.line || !entries[0].Node.ModTime.Equal(c.time) {
			t.Errorf("%s: the folder is %s of %v, want %s of %v", name, got[0], entries[0].Node.ModTime, c.line, c.time)
		}
	}
}
