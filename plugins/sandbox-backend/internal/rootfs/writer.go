// SPDX-License-Identifier: Apache-2.0

package rootfs

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"io"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// small is the size up to which a file waits in memory for a goroutine that
// writes it.
const small = 256 << 10

// writer makes files below a folder, with some goroutines.
type writer struct {
	id    ids
	place *place
	buf   []byte
	// jobs are for one goroutine each. All files of a folder are for the same
	// one: more would only wait for each other.
	jobs []chan job
	seed maphash.Seed
	done sync.WaitGroup
	// pending counts the jobs under way.
	pending sync.WaitGroup
	mu      sync.Mutex
	err     error
}

// job makes a file. The place and the buffer are those of a goroutine.
type job struct {
	name string
	make func(at spot, buf []byte) error
}

// newWriter starts a writer below a folder; end ends it.
func newWriter(path string, id ids) (*writer, error) {
	p, err := openPlace(path)
	if err != nil {
		return nil, err
	}
	w := &writer{id: id, place: p, buf: make([]byte, hole), seed: maphash.MakeSeed()}
	for range runtime.GOMAXPROCS(0) {
		own, err := openPlace(path)
		if err != nil {
			_ = w.end()
			return nil, err
		}
		jobs := make(chan job, 64)
		w.jobs = append(w.jobs, jobs)
		w.done.Go(func() { w.work(own, jobs) })
	}
	return w, nil
}

// work makes the files of jobs.
func (w *writer) work(p *place, jobs <-chan job) {
	defer p.close()
	buf := make([]byte, hole)
	for j := range jobs {
		at, err := p.at(j.name)
		if err == nil {
			err = j.make(at, buf)
		}
		if err != nil {
			w.fail(fmt.Errorf("file %q: %w", j.name, err))
		}
		w.pending.Done()
	}
}

// fail notes the first error.
func (w *writer) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = err
	}
}

// wait waits for all files, and returns the first error there was.
func (w *writer) wait() error {
	w.pending.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// end waits for all files and lets go of the folder.
func (w *writer) end() error {
	for _, jobs := range w.jobs {
		close(jobs)
	}
	w.done.Wait()
	w.place.close()
	return w.wait()
}

// file makes a file, now or soon. The folder it is in must exist.
func (w *writer) file(name string, n *tree.Node, content io.Reader) error {
	if n.Size > small {
		at, err := w.place.at(name)
		if err == nil {
			err = makeFile(at, n, content, w.id, w.buf)
		}
		return err
	}
	data := make([]byte, n.Size)
	if n.Size > 0 {
		if _, err := io.ReadFull(content, data); err != nil {
			return fmt.Errorf("content: %w", err)
		}
	}
	w.do(name, func(at spot, buf []byte) error { return makeFile(at, n, bytes.NewReader(data), w.id, buf) })
	return nil
}

// do makes a file soon. The folder it is in must exist.
func (w *writer) do(name string, fn func(at spot, buf []byte) error) {
	w.pending.Add(1)
	dir, _ := split(name)
	w.jobs[maphash.String(w.seed, dir)%uint64(len(w.jobs))] <- job{name, fn}
}

// link gives a file that was made one more name.
func (w *writer) link(name, target string) error {
	from, err := w.place.at(target)
	if err != nil {
		return err
	}
	fd, err := unix.Dup(from.fd)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	at, err := w.place.at(name)
	if err != nil {
		return err
	}
	return unix.Linkat(fd, from.base, at.fd, at.base, 0)
}

// mkdir makes a folder that is to be dressed later.
func (w *writer) mkdir(name string) error {
	at, err := w.place.at(name)
	if err != nil {
		return err
	}
	return unix.Mkdirat(at.fd, at.base, 0o700)
}
