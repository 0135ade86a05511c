// SPDX-License-Identifier: Apache-2.0

package host

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/zlayer/zlayer/host/internal/archive"
	"github.com/zlayer/zlayer/host/internal/keys"
	"github.com/zlayer/zlayer/host/internal/rootfs"
)

// streamJobs is where contexts that came through a pipe are, among the jobs.
const streamJobs = ".stream"

// Stream is a build context that came through a pipe, in a folder that lasts
// until Close.
type Stream struct {
	// Dir is the folder.
	Dir string

	host *Host
	job  *jobDir
	text []byte // what came instead of a tar
}

// ReadContext reads a build context: a tar, which may be compressed. What is
// none is taken for a build file, and the context is empty.
func (h *Host) ReadContext(r io.Reader) (*Stream, error) {
	dead, err := h.deadJobs(streamJobs)
	if err != nil {
		return nil, err
	}
	for _, j := range dead {
		removeUnpacked(j)
	}
	job, err := h.newJobDir(streamJobs)
	if err != nil {
		return nil, err
	}
	s := &Stream{Dir: job.exports(), host: h, job: job}
	if err := s.read(r); err != nil {
		s.Close()
		return nil, &InputError{Message: "cannot use the build context from stdin", Help: "send a tar, plain or compressed, or a build file", Err: err}
	}
	return s, nil
}

func (s *Stream) read(r io.Reader) error {
	plain, err := archive.Decompress(r)
	if err != nil {
		return err
	}
	defer plain.Close()
	buffered := bufio.NewReader(plain)
	if !isTar(buffered) {
		s.text, err = io.ReadAll(io.LimitReader(buffered, MaxSource+1))
		return err
	}
	spool := filepath.Join(s.job.temp(), "context.tar")
	f, err := os.OpenFile(spool, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer os.Remove(spool)
	_, err = io.Copy(f, buffered)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return rootfs.Unpack(s.Dir, func() (io.ReadCloser, error) { return os.Open(spool) })
}

// isTar looks for the magic of a tar, or the end of an empty one.
func isTar(r *bufio.Reader) bool {
	const block, magic = 512, 257
	head, _ := r.Peek(block)
	return len(head) == block && (bytes.HasPrefix(head[magic:], []byte("ustar")) || bytes.Equal(head, make([]byte, block)))
}

// Source returns the build file: what came instead of a tar, else the named
// file of the context, else the one a frontend claims.
func (s *Stream) Source(name string) (Source, error) {
	if s.text != nil {
		if name != "" {
			return Source{}, &InputError{Message: fmt.Sprintf("there is no build file %s: stdin is a build file, not a context", name), Help: "send a tar, or leave out the name"}
		}
		return Source{Name: "<stdin>", Content: s.text}, nil
	}
	if name == "" {
		found, err := s.host.Discover(s.Dir)
		var none *InputError
		if errors.As(err, &none) {
			none.Message = strings.ReplaceAll(none.Message, s.Dir, "the context from stdin")
		}
		if err != nil {
			return Source{}, err
		}
		name = filepath.Base(found)
	}
	root, err := os.OpenRoot(s.Dir)
	if err != nil {
		return Source{}, err
	}
	defer root.Close()
	f, err := root.Open(name) // links do not lead out of it
	if err != nil {
		return Source{}, &InputError{Message: "cannot read the build file " + name + " of the context from stdin", Help: "name a file in it with --file", Err: cause(err)}
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, MaxSource+1))
	if err != nil {
		return Source{}, &InputError{Message: "cannot read the build file " + name + " of the context from stdin", Err: cause(err)}
	}
	return Source{Name: name, Path: filepath.Join(s.Dir, name), Content: content}, nil
}

// Close removes the folder, and what is remembered of it.
func (s *Stream) Close() {
	_ = os.Remove(s.host.path("contexts", keys.Key(s.Dir)))
	removeUnpacked(s.job)
}

// removeUnpacked removes a job with folders of any mode.
func removeUnpacked(j *jobDir) {
	_ = filepath.WalkDir(j.path, func(name string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			_ = os.Chmod(name, 0o700)
		}
		return nil
	})
	j.remove()
}
