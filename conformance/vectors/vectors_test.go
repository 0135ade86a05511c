// SPDX-License-Identifier: Apache-2.0

package vectors_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zlayer/zlayer/conformance/vectors"
)

var kebab = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// Every vector can be read and written, says what it looks at, and what it
// wants.
func TestContainers(t *testing.T) {
	all, err := vectors.Containers()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 100 {
		t.Errorf("only %d vectors", len(all))
	}
	for _, c := range all {
		if !kebab.MatchString(c.Name) {
			t.Errorf("%s: the name is not in kebab-case", c.Name)
		}
		if !strings.HasSuffix(c.About, ".") {
			t.Errorf("%s: %q is no sentence", c.Name, c.About)
		}
		if _, wants := c.File("@want"); wants == (c.Fails != nil) {
			t.Errorf("%s: it must have @want, or expect a failure", c.Name)
		}
		if err := c.Write(t.TempDir()); err != nil {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
}

func TestParseContainer(t *testing.T) {
	text := `About it.
arg: A=b=c
arg: D=
target: t
platform: linux/arm64
secret: s=v
image: i=$BASE
rounds: 3
epoch: 12
expect: source line 4 exit 5
-- Dockerfile --
FROM scratch
-- @want --
`
	c, err := vectors.ParseContainer("n", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	c.Files = nil
	epoch := int64(12)
	want := &vectors.Container{
		Vector: vectors.Vector{Name: "n", About: "About it.", Expect: "source line 4 exit 5"}, Args: []string{"A=b=c", "D="}, Target: "t", Platform: "linux/arm64",
		Secrets: map[string]string{"s": "v"}, Images: map[string]string{"i": "$BASE"}, Rounds: 3, Epoch: &epoch,
		Fails: &vectors.Failure{Class: "source", Line: 4, Exit: 5},
	}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Error(diff)
	}
}

func TestParseContainerRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"no sentence":     "-- Dockerfile --\nFROM scratch\n",
		"no Dockerfile":   "About.\nexpect: ok\n-- f --\n",
		"unknown header":  "About.\nexpect: ok\nnew: thing\n-- Dockerfile --\n",
		"unknown class":   "About.\nexpect: often\n-- Dockerfile --\n",
		"half a failure":  "About.\nexpect: source line\n-- Dockerfile --\n",
		"unknown detail":  "About.\nexpect: source hour 3\n-- Dockerfile --\n",
		"no expectation":  "About.\n-- Dockerfile --\nFROM scratch\n",
		"rounds":          "About.\nexpect: ok\nrounds: few\n-- Dockerfile --\n",
		"line not number": "About.\nexpect: source line x\n-- Dockerfile --\n",
	} {
		if _, err := vectors.ParseContainer("n", []byte(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestWrite(t *testing.T) {
	text := `About.
expect: ok
-- Dockerfile --
FROM scratch
-- d/f --
text
-- @other/f --
other
-- a.tgz.list --
file 644 0:0 f ""
-- @setup --
# a comment
file "with space" "no newline"
mode 2750 d
mode 600 d/f
time 7 d/f
symlink l "../any where"
hardlink d/g d/f
fill 5 fill
sparse 1000 sparse
many 3 many
base64 b AP8=
dir empty/inner
fifo pipe
`
	c, err := vectors.ParseContainer("n", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := c.Write(dir); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"context/with space": "no newline", "context/d/g": "text\n", "context/b": "\x00\xff", "context/many/2": "2\n",
		"context/fill": "\x00\x00\x00\x00\x00", "other/f": "other\n", "context/sparse": strings.Repeat("\x00", 1000),
	} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for name, want := range map[string]string{
		"d": "dgrwxr-x--- 2001", "d/f": "-rw------- 1970", "d/g": "-rw------- 1970", "l": "Lrwxrwxrwx 2001",
		"empty/inner": "drwxr-xr-x 2001", "pipe": "prw-r--r-- 2001", "a.tgz": "-rw-r--r-- 2001",
	} {
		info, err := os.Lstat(filepath.Join(dir, "context", name))
		if err != nil {
			t.Error(err)
			continue
		}
		if got := info.Mode().String() + info.ModTime().UTC().Format(" 2006"); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestSetupRefuses(t *testing.T) {
	for _, line := range []string{"dig hole", "dir", "dir a b", `file "a b`, "mode rwx f", "fill many f", "base64 f !"} {
		c, err := vectors.ParseContainer("n", []byte("About.\nexpect: ok\n-- Dockerfile --\n-- f --\n-- @setup --\n"+line+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Write(t.TempDir()); err == nil || !strings.Contains(err.Error(), "line 1") {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func TestTar(t *testing.T) {
	data, err := vectors.Tar(`
dir 1777 1:2 d/
file 4755 0:0 "d/a b" "x\ny" user.k=v
symlink 777 3:4 l ../up
hardlink 755 0:0 h "d/a b"
char 600 0:0 c 5,1
fifo 600 0:0 p
`)
	if err != nil {
		t.Fatal(err)
	}
	if len(data)%512 != 0 || !bytes.HasSuffix(data, make([]byte, 1024)) {
		t.Errorf("a tar of %d bytes, without an end", len(data))
	}
	var got []string
	for r := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, _ := io.ReadAll(r)
		got = append(got, strings.Join([]string{string(h.Typeflag), h.FileInfo().Mode().String(), h.Name, h.Linkname, string(content), h.PAXRecords["SCHILY.xattr.user.k"]}, "|"))
	}
	want := []string{"5|dtrwxrwxrwx|d/|||", "0|urwxr-xr-x|d/a b||x\ny|v", "2|Lrwxrwxrwx|l|../up||", "1|-rwxr-xr-x|h|d/a b||", "3|Dcrw-------|c|||", "6|prw-------|p|||"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, list := range []string{"dir 755 0:0", "door 755 0:0 d", "file 755 0:0 f", "file 9 0:0 f x", "file 755 a:b f x"} {
		if _, err := vectors.Tar(list); err == nil {
			t.Errorf("%s: no error", list)
		}
	}
}

// Whatever a file holds, it is either a complete vector or an error.
func FuzzParseContainer(f *testing.F) {
	all, err := vectors.Containers()
	if err != nil {
		f.Fatal(err)
	}
	for _, c := range all[:min(20, len(all))] {
		data, err := os.ReadFile(filepath.Join("container", c.Name+".txtar"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := vectors.ParseContainer("n", data)
		if err != nil {
			return
		}
		if _, ok := c.File("Dockerfile"); !ok || strings.TrimSpace(c.About) == "" {
			t.Errorf("a vector without a Dockerfile or a sentence: %+v", c)
		}
	})
}
