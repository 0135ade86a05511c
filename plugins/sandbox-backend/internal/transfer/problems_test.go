// SPDX-License-Identifier: Apache-2.0

package transfer_test

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/transfer"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

func TestCopyProblems(t *testing.T) {
	from := context(t, folder(t, map[string]string{
		"f": "f", "d/x": "x", "hidden/x": "x", "on/etc": "x", "escape": "-> /../../../../../../etc/shells", "loop": "-> loop",
		"srv/f": "f", "on2/f/g": "g",
	}), "hidden")
	const (
		missingHelp = "sources are relative to the root of the build context, stage or image"
		patternHelp = "put a backslash before a character that is not meant as a wildcard"
		replaceHelp = "copy to another place, or remove the folder first"
	)
	for name, c := range map[string]struct {
		step          *irv1.Transfer
		message, help string
	}{
		"missing":        {copyOf("/", "nope"), `the source "nope" does not exist`, missingHelp},
		"below a file":   {copyOf("/", "f/x"), `the source "f/x" does not exist`, missingHelp},
		"no base":        {copyOf("/", "nope/*"), `there is no folder "nope" in which the source "nope/*" could match`, missingHelp},
		"hidden base":    {copyOf("/", "hidden/*"), `the source "hidden" is left out of the build context by ignore rule 1 ("hidden")`, `change that rule, or add "!hidden" after it`},
		"no pattern":     {copyOf("/", `\*.nope`), `the source "\\*.nope" does not exist`, missingHelp},
		"bad pattern":    {copyOf("/", "[a"), `source "[a": the pattern is malformed: a [ without ], a range out of order, or a backslash at the end`, patternHelp},
		"ignored":        {copyOf("/", "hidden/x"), `the source "hidden/x" is left out of the build context by ignore rule 1 ("hidden")`, `change that rule, or add "!hidden/x" after it`},
		"escaping":       {copyOf("/", "escape"), `the source "escape" does not exist`, missingHelp},
		"unknown user":   {&irv1.Transfer{Sources: []string{"f"}, Destination: "/", Chown: "ghost"}, `--chown=ghost: user "ghost" is not in the image's /etc/passwd; create it first or use a numeric id`, ""},
		"unknown group":  {&irv1.Transfer{Sources: []string{"f"}, Destination: "/", Chown: "0:ghost"}, `--chown=0:ghost: group "ghost" is not in the image's /etc/group; create it first or use a numeric id`, ""},
		"bad mode":       {&irv1.Transfer{Sources: []string{"f"}, Destination: "/", Chmod: "z"}, "--chmod=z is neither an octal nor a symbolic mode", "write it like 755 or u=rwX,go=rX"},
		"bad exclusion":  {&irv1.Transfer{Sources: []string{"f"}, Destination: "/", Exclude: []string{"["}}, `--exclude: ignore rule 1 ("["): the pattern is malformed: a [ without ], a range out of order, or a backslash at the end`, ""},
		"file on folder": {copyOf("/", "on"), `"/etc" is a folder in the image, and something else cannot replace it`, replaceHelp},
		"two sources":    {copyOf("/new/", "on2", "f"), `"/new/f" is a folder in the image, and something else cannot replace it`, replaceHelp},
		"onto a file":    {copyOf("/etc/passwd/x", "f"), `"/etc/passwd" is not a folder in the image, so "/etc/passwd/x" cannot be made`, "name another path, or remove the file first"},
		"folder on file": {copyOf("/etc/passwd", "d"), `the destination "/etc/passwd" is a file in the image, and a folder is needed`, "name another destination, or remove the file first"},
		"file as folder": {copyOf("/bin/sh/", "f"), `the destination "/bin/busybox" is a file in the image, and a folder is needed`, "name another destination, or remove the file first"},
		"circle":         {copyOf("/circle/x", "f"), `"/circle/x" leads over more than 40 symbolic links in the image`, "name another path, or remove the links first"},
		"long name":      {copyOf("/"+strings.Repeat("n", 256), "f"), fmt.Sprintf("%q cannot be in an image: a part of the name is longer than 255 bytes", "/"+strings.Repeat("n", 256)), "give it another name, or leave it out with --exclude or the ignore file"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := plan(t, transfer.Job{Step: c.step, From: from, Onto: debian(t, "l 777 0:0 circle -> circle")})
			wantProblem(t, err, c.message, c.help)
		})
	}
}

func TestSourceLinksInACircle(t *testing.T) {
	from := context(t, folder(t, map[string]string{"loop": "-> loop"}))
	_, err := plan(t, transfer.Job{Step: copyOf("/", "loop"), From: from, Onto: image(t)})
	if err == nil || !strings.Contains(err.Error(), `the source "loop"`) || !strings.Contains(err.Error(), "symbolic links") {
		t.Errorf("error is %v", err)
	}
}

// locked is a tree whose files may not be read, also by root.
type locked struct{ transfer.Files }

func (locked) Open(name string, _ transfer.File) (io.ReadCloser, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
}

func TestUnreadableSource(t *testing.T) {
	from := locked{context(t, folder(t, map[string]string{"f": "f"}))}
	step := &irv1.Transfer{Add: true, Sources: []string{"f"}, Destination: "/"}
	_, err := plan(t, transfer.Job{Step: step, From: from, Onto: image(t)})
	wantProblem(t, err, `the source "f" cannot be read: open f: permission denied`, "change its permissions, or leave it out with the ignore file")
}

func TestSourceChanges(t *testing.T) {
	for name, c := range map[string]struct {
		change func(file string) error
		how    string
	}{
		"removed":  {os.Remove, "it was removed"},
		"shorter":  {func(f string) error { return os.Truncate(f, 1) }, "it shrank from 5 bytes to 1"},
		"longer":   {func(f string) error { return os.Truncate(f, 7) }, "it grew from 5 bytes to 7"},
		"written":  {func(f string) error { return os.WriteFile(f, []byte("other"), 0o644) }, "it was written to"},
		"replaced": {func(f string) error { return firstOf(os.Remove(f), os.Mkdir(f, 0o755)) }, "something else took its place"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, map[string]string{"f": "bytes"})
			entries, err := plan(t, transfer.Job{Step: copyOf("/f", "f"), From: context(t, dir), Onto: image(t)})
			must(t, err)
			must(t, c.change(filepath.Join(dir, "f")))
			r, err := entries[0].Open()
			if err == nil {
				r.Close()
			}
			wantProblem(t, err, `the source "f" changed while it was copied: `+c.how, "build again when nothing writes to it")
		})
	}
}

// TestSourceChangesLate changes a file after its first bytes were read.
func TestSourceChangesLate(t *testing.T) {
	for size, how := range map[int64]string{
		1 << 20: "it shrank from 2097152 bytes to 1048576",
		3 << 20: "it grew from 2097152 bytes to 3145728",
	} {
		dir := folder(t, map[string]string{"f": strings.Repeat("x", 2<<20)})
		entries, err := plan(t, transfer.Job{Step: copyOf("/f", "f"), From: context(t, dir), Onto: image(t)})
		must(t, err)
		r, err := entries[0].Open()
		must(t, err)
		_, err = io.CopyN(io.Discard, r, 10)
		must(t, err)
		must(t, os.Truncate(filepath.Join(dir, "f"), size))
		_, err = io.CopyN(io.Discard, r, 2<<20-10)
		wantProblem(t, err, `the source "f" changed while it was copied: `+how, "build again when nothing writes to it")
		must(t, r.Close())
	}
}

// firstOf returns the first error.
func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
