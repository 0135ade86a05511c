// SPDX-License-Identifier: Apache-2.0

package transfer_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/transfer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
	"github.com/zlayer/zlayer/sdk/buildctx"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// then is when the files of an image were last written to.
var then = time.Date(2020, 2, 2, 2, 2, 2, 222, time.UTC)

// image makes an image of lines "kind mode uid:gid name", followed by
// " -> target" of a link or hard link and by ` "content"` of a file. Names that
// have spaces do not fit.
func image(t testing.TB, lines ...string) transfer.Image {
	t.Helper()
	var changes []tree.Change
	for _, line := range lines {
		changes = append(changes, change(t, line))
	}
	tr, err := tree.Empty().Apply(changes)
	if err != nil {
		t.Fatal(err)
	}
	return transfer.Image{Tree: tr, Content: func(n *tree.Node) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(n.Content.Digest)), nil
	}}
}

// kinds are the letters of lines.
const kinds = "fdlcbp"

// change reads one line. The content of a file is where its digest would be.
func change(t testing.TB, line string) tree.Change {
	t.Helper()
	parts := strings.SplitN(line, " ", 5)
	if len(parts) < 4 {
		t.Fatalf("%q is no line", line)
	}
	kind, name, rest := parts[0], parts[3], strings.Join(parts[4:], "")
	n := &tree.Node{ModTime: then}
	if _, err := fmt.Sscanf(parts[1]+" "+parts[2], "%o %d:%d", &n.Mode, &n.UID, &n.GID); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	target, linked := strings.CutPrefix(rest, "-> ")
	if kind == "h" {
		return tree.Change{Op: tree.Link, Name: name, Target: target}
	}
	n.Kind = tree.Kind(strings.Index(kinds, kind))
	if linked {
		n.Target = target
	} else if n.Kind == tree.File {
		if _, err := fmt.Sscanf(rest, "%q", &n.Content.Digest); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		n.Size = int64(len(n.Content.Digest))
	}
	return tree.Change{Name: name, Node: n}
}

// debian is an image to copy onto.
func debian(t testing.TB, more ...string) transfer.Image {
	return image(t, append([]string{
		"d 755 0:0 bin", `f 755 0:0 bin/busybox "elf"`, "l 777 0:0 bin/sh -> busybox",
		"d 755 0:0 etc",
		`f 644 0:0 etc/passwd "root:x:0:0:root:/root:/bin/sh\nweb:x:33:34::/srv:/bin/sh\n"`,
		`f 644 0:0 etc/group "www:x:34:\nextra:x:50:\n"`,
		"d 755 0:0 srv",
	}, more...)...)
}

// folder makes files in a new folder: a path that ends in "/" is a folder,
// content that begins with "-> " a link.
func folder(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		at := filepath.Join(dir, filepath.FromSlash(name))
		must(t, os.MkdirAll(filepath.Dir(at), 0o755))
		target, link := strings.CutPrefix(content, "-> ")
		switch {
		case strings.HasSuffix(name, "/"):
			must(t, os.MkdirAll(at, 0o755))
		case link:
			must(t, os.Symlink(target, at))
		default:
			must(t, os.WriteFile(at, []byte(content), 0o644))
			must(t, os.Chtimes(at, then, then))
		}
	}
	return dir
}

// context opens a folder as a build context.
func context(t testing.TB, dir string, ignore ...string) transfer.Files {
	t.Helper()
	rules, err := buildctx.NewIgnore(ignore)
	must(t, err)
	c, err := buildctx.Open(dir, buildctx.Options{Ignore: rules})
	must(t, err)
	t.Cleanup(func() { c.Close() })
	return transfer.Context(c)
}

// lines describes entries as image reads them.
func lines(t testing.TB, entries []layer.Entry) []string {
	t.Helper()
	var out []string
	for _, e := range entries {
		if e.Op == tree.Link {
			out = append(out, fmt.Sprintf("h %s -> %s", e.Name, e.Target))
			continue
		}
		n := e.Node
		line := fmt.Sprintf("%c %o %d:%d %s", kinds[n.Kind], n.Mode, n.UID, n.GID, e.Name)
		switch n.Kind {
		case tree.Symlink:
			line += " -> " + n.Target
		case tree.File:
			line += fmt.Sprintf(" %q", content(t, e))
		}
		out = append(out, line)
	}
	return out
}

// content reads the file of an entry.
func content(t testing.TB, e layer.Entry) string {
	t.Helper()
	if e.Open == nil {
		return ""
	}
	r, err := e.Open()
	must(t, err)
	defer r.Close()
	text, err := io.ReadAll(r)
	must(t, err)
	if int64(len(text)) != e.Node.Size {
		t.Errorf("%s has %d bytes and size %d", e.Name, len(text), e.Node.Size)
	}
	return string(text)
}

// plan plans a job whose layer must be able to go onto its tree.
func plan(t testing.TB, job transfer.Job) ([]layer.Entry, error) {
	t.Helper()
	if job.Temp == "" {
		job.Temp = t.TempDir()
	}
	entries, err := transfer.Plan(job)
	if err == nil {
		apply(t, job.Onto, entries)
	}
	return entries, err
}

// apply puts a layer onto an image.
func apply(t testing.TB, onto transfer.Image, entries []layer.Entry) *tree.Tree {
	t.Helper()
	var changes []tree.Change
	for _, e := range entries {
		changes = append(changes, e.Change)
	}
	tr, err := onto.Tree.Apply(changes)
	must(t, err)
	return tr
}

// wantLines compares what a plan holds.
func wantLines(t testing.TB, entries []layer.Entry, want ...string) {
	t.Helper()
	if got := strings.Join(lines(t, entries), "\n"); got != strings.Join(want, "\n") {
		t.Errorf("entries:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
	}
}

// wantProblem checks for a Problem with exactly this text.
func wantProblem(t testing.TB, err error, message, help string) {
	t.Helper()
	var p *transfer.Problem
	if !errors.As(err, &p) {
		t.Fatalf("error is %#v (%v), want a Problem: %s", err, err, message)
	}
	if p.Message != message || p.Help != help {
		t.Errorf("problem:\n%s\n%s\nwant:\n%s\n%s", p.Message, p.Help, message, help)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// copyOf is a COPY.
func copyOf(to string, sources ...string) *irv1.Transfer {
	return &irv1.Transfer{Sources: sources, Destination: to}
}
