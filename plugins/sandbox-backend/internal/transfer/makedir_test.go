// SPDX-License-Identifier: Apache-2.0

package transfer_test

import (
	"testing"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/transfer"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

func TestMakeDir(t *testing.T) {
	onto := debian(t, "l 777 0:0 l -> /srv", "l 777 0:0 dangling -> far/away")
	for name, c := range map[string]struct {
		path, owner string
		want        []string
	}{
		"existing":        {"/srv", "web", nil},
		"root":            {"/", "", nil},
		"through a link":  {"/l", "", nil},
		"new":             {"/a/b", "", []string{"d 755 0:0 a", "d 755 0:0 a/b"}},
		"owner":           {"/srv/a/b", "web", []string{"d 755 0:0 srv", "d 755 33:34 srv/a", "d 755 33:34 srv/a/b"}},
		"owner by number": {"/a", "5", []string{"d 755 5:5 a"}},
		"below a link":    {"/l/c", "7:8", []string{"d 755 0:0 srv", "d 755 7:8 srv/c"}},
		"dangling":        {"/dangling", "", []string{"d 755 0:0 far", "d 755 0:0 far/away"}},
	} {
		t.Run(name, func(t *testing.T) {
			entries, err := transfer.PlanDir(&irv1.MakeDir{Path: c.path, Owner: c.owner}, onto)
			must(t, err)
			wantLines(t, entries, c.want...)
			apply(t, onto, entries)
		})
	}
}

func TestMakeDirProblems(t *testing.T) {
	for name, c := range map[string]struct{ path, owner, message, help string }{
		"file":         {"/etc/passwd", "", `the working directory "/etc/passwd" is not a folder in the image`, "name another folder, or remove the file first"},
		"below a file": {"/etc/passwd/x", "", `"/etc/passwd" is not a folder in the image, so "/etc/passwd/x" cannot be made`, "name another path, or remove the file first"},
		"owner":        {"/new", "ghost", `user "ghost" is not in the image's /etc/passwd; create it first or use a numeric id`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := transfer.PlanDir(&irv1.MakeDir{Path: c.path, Owner: c.owner}, debian(t))
			wantProblem(t, err, c.message, c.help)
		})
	}
}

// TestUsersOfOddImages looks users up where /etc/passwd is a link, or is none.
func TestUsersOfOddImages(t *testing.T) {
	step := &irv1.MakeDir{Path: "/w", Owner: "web"}
	linked := image(t, "d 755 0:0 etc", "l 777 0:0 etc/passwd -> /../usr/passwd", "d 755 0:0 usr", `f 644 0:0 usr/passwd "web:x:33:34::/srv:/bin/sh\n"`)
	entries, err := transfer.PlanDir(step, linked)
	must(t, err)
	wantLines(t, entries, "d 755 33:34 w")

	const nobody = `user "web" is not in the image's /etc/passwd; create it first or use a numeric id`
	_, err = transfer.PlanDir(step, image(t, `f 644 0:0 etc "a file"`))
	wantProblem(t, err, nobody, "")
	_, err = transfer.PlanDir(step, image(t, "d 755 0:0 etc", `f 644 0:0 etc/passwd ""`))
	wantProblem(t, err, nobody, "")
	_, err = transfer.PlanDir(step, image(t, "d 755 0:0 etc/passwd"))
	wantProblem(t, err, `"/etc/passwd" is no regular file`, "")
}
