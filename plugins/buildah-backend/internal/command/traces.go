// SPDX-License-Identifier: Apache-2.0

package command

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
	"time"

	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/files"
	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/transfer"
)

// Traces are what running a command leaves in a layer without the command's
// doing: places for mounts, and folders that count as changed because a place
// was made in them.
type Traces struct {
	tree *files.Tree
	root *os.Root
	// made are places that were not there. What is still an empty folder or
	// file afterwards goes.
	made map[string]bool
	// touched are folders that were there, as they were.
	touched map[string]folder
}

// folder is what makes a folder differ.
type folder struct {
	mode     int64
	uid, gid int
	time     time.Time
}

func newTraces(tree *files.Tree, root *os.Root) *Traces {
	t := &Traces{tree: tree, root: root, made: map[string]bool{}, touched: map[string]folder{}}
	t.touch("")
	return t
}

func (t *Traces) touch(name string) {
	if _, known := t.touched[name]; known || t.made[name] {
		return
	}
	info, err := t.tree.Lstat("./" + name)
	if err != nil {
		return
	}
	st := info.Sys().(*syscall.Stat_t)
	t.touched[name] = folder{int64(st.Mode & 0o7777), int(st.Uid), int(st.Gid), info.ModTime()}
}

// maxLinks bounds how many dangling links one target may lead through.
const maxLinks = 40

// place makes sure that there is something to mount on, and says where that
// really is: links are followed inside the tree, dangling ones too.
func (t *Traces) place(target string, isDir bool) (string, error) {
	at, missing := strings.Trim(path.Clean("/"+target), "/"), []string(nil)
	for links := 0; links < maxLinks; {
		real, err := t.tree.Resolve(at)
		if err == nil {
			return t.make(real, missing, target, isDir)
		}
		if errors.Is(err, syscall.ELOOP) {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) || at == "." || at == "" {
			return "", err
		}
		if to, ok := t.dangling(at); ok {
			at, missing = path.Join(append([]string{to}, missing...)...), nil
			links++
			continue
		}
		missing = append([]string{path.Base(at)}, missing...)
		at = path.Dir(at)
	}
	return "", &transfer.Problem{Message: fmt.Sprintf("cannot mount on %q: it leads over too many symbolic links in the image", target), Help: "mount elsewhere, or remove the links first"}
}

// dangling says where a link leads that leads nowhere.
func (t *Traces) dangling(name string) (string, bool) {
	dir, err := t.tree.Resolve(path.Dir(name))
	if err != nil {
		return "", false
	}
	to, err := t.tree.Readlink(path.Join(dir, path.Base(name)))
	if err != nil {
		return "", false
	}
	if !path.IsAbs(to) {
		to = path.Join("/", dir, to)
	}
	return strings.Trim(path.Clean(to), "/"), true
}

func (t *Traces) make(real string, missing []string, target string, isDir bool) (string, error) {
	info, err := t.tree.Lstat(real)
	if err != nil {
		return "", err
	}
	if wantDir := isDir || len(missing) > 0; info.IsDir() != wantDir {
		return "", &transfer.Problem{Message: fmt.Sprintf("cannot mount on %q: %q in the image is %s", target, "/"+real, kindOf(info))}
	}
	if real == "." {
		real = ""
	}
	for i, part := range missing {
		t.touch(real)
		dir := real
		real = path.Join(real, part)
		err := t.create(real, isDir || i < len(missing)-1)
		if err == nil {
			err = t.restore(dir)
		}
		if err != nil {
			return "", fmt.Errorf("making a place for the mount %q: %w", target, err)
		}
	}
	return "/" + real, nil
}

func kindOf(info fs.FileInfo) string {
	if info.IsDir() {
		return "a folder"
	}
	return "not a folder"
}

func (t *Traces) create(name string, isDir bool) error {
	t.made[name] = true
	if isDir {
		return t.root.Mkdir(name, 0o755)
	}
	f, err := t.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	return f.Close()
}

// restore gives a folder the time that it had before a place was made in it, so
// that a later one is the command's doing.
func (t *Traces) restore(name string) error {
	was, ok := t.touched[name]
	if !ok {
		return nil
	}
	return t.root.Chtimes("./"+name, time.Time{}, was.time)
}

// workdir makes the working directory when it is missing; that is no trace.
func (t *Traces) workdir(dir string) error {
	if _, err := t.tree.Resolve(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := t.root.MkdirAll(strings.Trim(path.Clean("/"+dir), "/"), 0o755); err != nil {
		return fmt.Errorf("making the working directory %q: %w", dir, err)
	}
	return nil
}

// Erase copies the tar of a layer without the traces, and without whatever
// differs from one build to the next beside times of files.
func (t *Traces) Erase(out io.Writer, in io.Reader) error {
	r, w := tar.NewReader(in), tar.NewWriter(out)
	var held []*tar.Header // folders that stay only when something is in them
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return w.Close()
		}
		if err != nil {
			return err
		}
		plain(h)
		name := strings.Trim(path.Clean("/"+h.Name), "/")
		for len(held) > 0 && !strings.HasPrefix(name+"/", held[len(held)-1].Name) {
			held = held[:len(held)-1]
		}
		if t.isTrace(name, h) {
			if h.Typeflag == tar.TypeDir && name != "" {
				held = append(held, h)
			}
			continue
		}
		for _, dir := range held {
			if err := w.WriteHeader(dir); err != nil {
				return err
			}
		}
		held = nil
		if err := w.WriteHeader(h); err != nil {
			return err
		}
		if _, err := io.Copy(w, r); err != nil {
			return err
		}
	}
}

// isTrace says whether an entry is a trace, if nothing is in it. Times count by
// the second, as in layers; that of the root does not, for it is in no layer.
func (t *Traces) isTrace(name string, h *tar.Header) bool {
	if t.made[name] {
		return h.Typeflag == tar.TypeDir || h.Typeflag == tar.TypeReg && h.Size == 0
	}
	was, ok := t.touched[name]
	if !ok || h.Typeflag != tar.TypeDir || was.mode != h.Mode&0o7777 || was.uid != h.Uid || was.gid != h.Gid {
		return false
	}
	return name == "" || was.time.Truncate(time.Second).Equal(h.ModTime)
}

// plain drops from a header what layers do not need.
func plain(h *tar.Header) {
	h.Uname, h.Gname = "", ""
	h.AccessTime, h.ChangeTime = time.Time{}, time.Time{}
	h.ModTime = h.ModTime.Truncate(time.Second)
	h.Format = tar.FormatUnknown
	var kept map[string]string
	for key, value := range h.PAXRecords {
		name, isXattr := strings.CutPrefix(key, "SCHILY.xattr.")
		if isXattr && !strings.HasPrefix(name, "trusted.overlay.") && !strings.HasPrefix(name, "user.overlay.") {
			if kept == nil {
				kept = map[string]string{}
			}
			kept[key] = value
		}
	}
	h.PAXRecords, h.Xattrs = kept, nil //nolint:staticcheck // both would be written
}
