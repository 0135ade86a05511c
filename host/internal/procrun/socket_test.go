// SPDX-License-Identifier: Apache-2.0

package procrun

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func socketDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(t.TempDir(), socketPrefix)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// The socket of a living host stays, that of a dead one goes, and nothing goes
// that is not a socket's folder.
func TestOldSockets(t *testing.T) {
	notes, other := t.TempDir(), t.TempDir()
	alive, dead := socketDir(t), socketDir(t)
	n := noteSocket(notes, alive)
	_ = noteSocket(notes, dead).lock.Close() // as the system does
	if err := os.WriteFile(filepath.Join(notes, socketPrefix+"-forged"), []byte(other), 0o600); err != nil {
		t.Fatal(err)
	}
	removeOldSockets(notes)
	if !exists(alive) || exists(dead) || !exists(other) {
		t.Errorf("alive %t, dead %t, other %t", exists(alive), exists(dead), exists(other))
	}
	n.remove()
	if left, _ := os.ReadDir(notes); len(left) != 0 {
		t.Errorf("notes are left: %v", left)
	}
}

// However hosts come and go at the same time, none removes the socket of
// another one.
func TestSocketsTogether(t *testing.T) {
	notes := t.TempDir()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 50 {
				removeOldSockets(notes)
				socket := socketDir(t)
				n := noteSocket(notes, socket)
				removeOldSockets(notes)
				if !exists(socket) {
					t.Error("a living host's socket was removed")
				}
				n.remove()
			}
		})
	}
	group.Wait()
}
