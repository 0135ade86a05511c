// SPDX-License-Identifier: Apache-2.0

package procrun

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

// A socket is not in the state folder but in the system's for temporary files,
// because its path must be short. Backend and host both remove it; when both
// are killed nobody does. So there is a note of it, a file that is locked as
// long as the host lives.

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

// socketPrefix is how go-plugin names the folder of a socket.
const socketPrefix = "plugin-dir"

// note says where a socket is.
type note struct{ lock *flock.Flock }

// noteSocket notes the folder of a socket. Without a note everything works, so
// that nil is no error.
func noteSocket(notes, socket string) *note {
	if notes == "" {
		return nil
	}
	n := &note{flock.New(filepath.Join(notes, filepath.Base(socket)), flock.SetPermissions(0o600))}
	if ok, err := n.lock.TryLock(); err != nil || !ok {
		return nil
	}
	// Before it was locked another host may have taken the empty file for a
	// dead one's and removed it. What is written now nobody else removes.
	if inPlace(n.lock) && os.WriteFile(n.lock.Path(), []byte(socket), 0o600) == nil {
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

// removeOldSockets removes the sockets of dead hosts.
func removeOldSockets(notes string) {
	files, err := filepath.Glob(filepath.Join(notes, socketPrefix+"*"))
	if notes == "" || err != nil {
		return
	}
	for _, file := range files {
		n := &note{flock.New(file, flock.SetFlag(os.O_RDWR))}
		if ok, err := n.lock.TryLock(); err != nil || !ok {
			continue
		}
		socket, err := os.ReadFile(file)
		if err == nil && strings.HasPrefix(filepath.Base(string(socket)), socketPrefix) {
			_ = os.RemoveAll(string(socket))
		}
		n.remove()
	}
}
