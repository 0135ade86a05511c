// SPDX-License-Identifier: Apache-2.0

package procrun

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gofrs/flock"
)

// The folders of a process, for its socket and its temporary files, are not in
// the state folder: the path of a socket must be short, and users say where
// temporary files go. Backend and host both remove them; when both are killed
// nobody does. So there is a note of each, a file that is locked as long as the
// host lives.

// folder is one of them.
type folder struct {
	path string
	note *note // nil when there is none
}

// maxSocketParent is the longest folder, in bytes, in which there can be a
// socket: the system allows 104 to 108 in all.
const maxSocketParent = 60

// socketParent returns where the private folder of the socket is made.
func socketParent() string {
	if dir := os.TempDir(); len(dir) <= maxSocketParent {
		return dir
	}
	return "/tmp"
}

// tempEnv says where the user wants temporary files.
const tempEnv = "TMPDIR"

// tempDir returns the folder that an environment names for temporary files.
func tempDir(env []string) string {
	for _, kv := range slices.Backward(env) {
		if dir, ok := strings.CutPrefix(kv, tempEnv+"="); ok && dir != "" {
			return dir
		}
	}
	return os.TempDir()
}

// folderPrefix is how go-plugin names the folder of a socket.
const folderPrefix = "plugin-dir"

// note says where a folder is.
type note struct{ lock *flock.Flock }

// noteFolder notes a folder. Without a note everything works, so that nil is no
// error.
func noteFolder(notes, dir string) *note {
	if notes == "" {
		return nil
	}
	n := &note{flock.New(filepath.Join(notes, filepath.Base(dir)), flock.SetPermissions(0o600))}
	if ok, err := n.lock.TryLock(); err != nil || !ok {
		return nil
	}
	// Before it was locked another host may have taken the empty file for a
	// dead one's and removed it. What is written now nobody else removes.
	if inPlace(n.lock) && os.WriteFile(n.lock.Path(), []byte(dir), 0o600) == nil {
		return n
	}
	_ = n.lock.Close()
	return nil
}

// inPlace says whether the name of a locked file still leads to it.
func inPlace(lock *flock.Flock) bool {
	locked, err := lock.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(lock.Path())
	return err == nil && os.SameFile(locked, there)
}

// remove removes the note.
func (n *note) remove() {
	if n != nil {
		_ = os.Remove(n.lock.Path())
		_ = n.lock.Close()
	}
}

// removeOldFolders removes the folders that dead hosts have left.
func removeOldFolders(notes string) {
	files, err := filepath.Glob(filepath.Join(notes, folderPrefix+"*"))
	if notes == "" || err != nil {
		return
	}
	for _, file := range files {
		n := &note{flock.New(file, flock.SetFlag(os.O_RDWR))}
		if ok, err := n.lock.TryLock(); err != nil || !ok {
			continue
		}
		dir, err := os.ReadFile(file)
		if err == nil && strings.HasPrefix(filepath.Base(string(dir)), folderPrefix) {
			_ = os.RemoveAll(string(dir))
		}
		n.remove()
	}
}
