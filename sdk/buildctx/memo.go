// SPDX-License-Identifier: Apache-2.0

package buildctx

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Memo remembers the digests of a context's files in a file of its own, so that
// unchanged files are not read again. It may be used by several goroutines at
// once, and its file by several processes: the last Save stays.
//
// A digest is used while device, inode, size, modification and change time are
// the same. It is remembered only when both times lay some seconds back when
// the file was read, so that a later write in the same tick of the file
// system's clock cannot go unnoticed; a clock of a network file system that
// lags more than that can deceive it.
type Memo struct {
	file string

	mu      sync.Mutex
	known   map[string]record
	session uint32
	changed bool
}

// identity is what a file cannot change without. Times are in nanoseconds.
type identity struct {
	dev, ino, size, modified, changed uint64
}

// record is a digest and the session that last used it.
type record struct {
	id     identity
	used   uint32
	digest [sha256.Size]byte
}

const (
	// settled is how long a file must have been left alone. FAT counts in two
	// seconds, the coarsest clock there is.
	settled = 3 * time.Second
	// forgetAfter is the number of saves after which unused records go.
	forgetAfter = 64
)

// LoadMemo reads a memo. A file that is missing, unreadable or damaged gives an
// empty one.
func LoadMemo(file string) *Memo {
	m := &Memo{file: file, known: map[string]record{}}
	if data, err := os.ReadFile(file); err == nil {
		m.decode(data)
	}
	m.session++
	return m
}

// Save writes the memo when it learned something, all or nothing. The folder
// must exist.
func (m *Memo) Save() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.changed {
		return nil
	}
	if err := replace(m.file, m.encode()); err != nil {
		return fmt.Errorf("saving file digests: %w", err)
	}
	m.changed = false
	return nil
}

// replace writes a file so that readers see the old content or the new.
func replace(file string, data []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*.tmp")
	if err != nil {
		return err
	}
	_, err = tmp.Write(data)
	if closeErr := tmp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), file)
	}
	if err != nil {
		os.Remove(tmp.Name())
	}
	return err
}

// get returns the digest of what is at name, if that is still as it was.
func (m *Memo) get(name string, info fs.FileInfo) (string, bool) {
	if m == nil {
		return "", false
	}
	id, ok := identify(info)
	if !ok {
		return "", false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.known[name]
	if !ok || r.id != id {
		return "", false
	}
	if r.used != m.session {
		r.used = m.session
		m.known[name] = r
	}
	return string(r.digest[:]), true
}

// put remembers a digest when the file did not change from before to after its
// reading, which began at the given time.
func (m *Memo) put(name string, before, after fs.FileInfo, began time.Time, digest []byte) {
	id, ok := identify(before)
	if same, _ := identify(after); !ok || same != id {
		return
	}
	if quiet := uint64(began.Add(-settled).UnixNano()); id.modified > quiet || id.changed > quiet {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.known[name] = record{id, m.session, [sha256.Size]byte(digest)}
	m.changed = true
}

// memoHeader begins a memo file. It is followed by the number of sessions, the
// records, and the SHA-256 of all before.
const memoHeader = "zlayer file digests 1\n"

func (m *Memo) encode() []byte {
	data := []byte(memoHeader)
	data = binary.BigEndian.AppendUint32(data, m.session)
	for name, r := range m.known {
		if m.session-r.used > forgetAfter {
			continue
		}
		data = binary.AppendUvarint(data, uint64(len(name)))
		data = append(data, name...)
		for _, n := range [...]uint64{r.id.dev, r.id.ino, r.id.size, r.id.modified, r.id.changed} {
			data = binary.BigEndian.AppendUint64(data, n)
		}
		data = binary.BigEndian.AppendUint32(data, r.used)
		data = append(data, r.digest[:]...)
	}
	sum := sha256.Sum256(data)
	return append(data, sum[:]...)
}

// recordSize is the length of a record without its name.
const recordSize = 5*8 + 4 + sha256.Size

func (m *Memo) decode(data []byte) {
	n := len(data) - sha256.Size
	if n < len(memoHeader)+4 || string(data[:len(memoHeader)]) != memoHeader {
		return
	}
	if sum := sha256.Sum256(data[:n]); !bytes.Equal(sum[:], data[n:]) {
		return
	}
	data = data[len(memoHeader):n]
	m.session, data = binary.BigEndian.Uint32(data), data[4:]
	m.known = make(map[string]record, len(data)/(recordSize+32))
	for len(data) > 0 {
		size, k := binary.Uvarint(data)
		if k <= 0 || uint64(len(data)-k) < recordSize || size > uint64(len(data)-k-recordSize) {
			return
		}
		name, r := data[k:k+int(size)], data[k+int(size):]
		m.known[string(name)] = decodeRecord(r)
		data = r[recordSize:]
	}
}

func decodeRecord(b []byte) (r record) {
	for _, n := range [...]*uint64{&r.id.dev, &r.id.ino, &r.id.size, &r.id.modified, &r.id.changed} {
		*n, b = binary.BigEndian.Uint64(b), b[8:]
	}
	r.used, b = binary.BigEndian.Uint32(b), b[4:]
	r.digest = [sha256.Size]byte(b[:sha256.Size])
	return r
}
