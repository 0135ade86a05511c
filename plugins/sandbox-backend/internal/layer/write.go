// SPDX-License-Identifier: Apache-2.0

package layer

import (
	"archive/tar"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// Write writes the tar of a layer and returns it as data. The same entries give
// the same bytes, in whatever order they are and wherever that is:
//
//   - Entries are in the order of tree.Compare, the whiteouts of a folder
//     before what else is in it.
//   - Of two files with one name the last counts. A folder that is put where
//     its name is removed becomes a folder with an opaque whiteout in it, and
//     the whiteout of any other file that is put is left out: it would say
//     nothing.
//   - The names that share a file, by a Link or by having the same Node, are
//     hard links to the first of them. A Link to what is not in the entries is
//     written as it is.
//   - Headers are ustar, and PAX where that is not enough. Times are cut to
//     whole seconds, as other tools that make images do: a fraction would cost
//     1 KiB for each file. Owners have no names.
//
// Files are streamed. One that has not as many bytes as its Node says is an
// error. The nodes of the layer are copies, with Content filled in.
func Write(w io.Writer, entries []Entry) (*Layer, error) {
	entries, err := ordered(entries)
	if err != nil {
		return nil, err
	}
	out := &output{w: w, whole: sha256.New()}
	wr := writer{out: out, tw: tar.NewWriter(out), digest: sha256.New(), buf: make([]byte, 256<<10)}
	for _, e := range entries {
		if err := wr.entry(e); err != nil {
			return nil, fmt.Errorf("writing layer entry %.300q: %w", e.Name, err)
		}
	}
	if err := wr.tw.Close(); err != nil {
		return nil, fmt.Errorf("writing a layer: %w", err)
	}
	wr.layer.finish(out.whole, out.n)
	return &wr.layer, nil
}

// output digests and counts what is written.
type output struct {
	w     io.Writer
	whole hash.Hash
	n     int64
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.w.Write(p)
	o.whole.Write(p[:n])
	o.n += int64(n)
	return n, err
}

// writer writes a layer.
type writer struct {
	out    *output
	tw     *tar.Writer
	layer  Layer
	digest hash.Hash
	buf    []byte
}

// entry writes an entry.
func (w *writer) entry(e Entry) error {
	if e.Node != nil {
		n := *e.Node
		n.ModTime = wholeSeconds(n.ModTime)
		if n.Kind == tree.Symlink {
			n.Mode = linkMode
		}
		e.Node = &n
	}
	h, err := toHeader(e.Change)
	if err != nil {
		return err
	}
	if err := w.tw.Flush(); err != nil {
		return err
	}
	offset := w.out.n
	if err := w.tw.WriteHeader(h); err != nil {
		return err
	}
	if e.Node != nil && e.Node.Kind == tree.File {
		if err := w.content(e); err != nil {
			return err
		}
		e.Node.Content = tree.Content{Offset: offset, Digest: digest(w.digest)}
	}
	w.layer.Changes = append(w.layer.Changes, e.Change)
	return nil
}

// content writes the bytes of a file.
func (w *writer) content(e Entry) error {
	w.digest.Reset()
	if e.Open == nil {
		if e.Node.Size > 0 {
			return errors.New("the file has a size but no content")
		}
		return nil
	}
	r, err := e.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	// One more byte than there should be, to see whether there is more.
	n, err := io.CopyBuffer(io.MultiWriter(w.digest, w.tw), onlyReader{io.LimitReader(r, e.Node.Size+1)}, w.buf)
	switch {
	case n < e.Node.Size && err == nil:
		return fmt.Errorf("the file became shorter while it was read: %d of %d bytes", n, e.Node.Size)
	case errors.Is(err, tar.ErrWriteTooLong):
		return fmt.Errorf("the file became longer than its %d bytes while it was read", e.Node.Size)
	}
	return err
}

// wholeSeconds returns the time as a layer keeps it. The zero time is that of
// Unix.
func wholeSeconds(t time.Time) time.Time {
	if t.IsZero() {
		return time.Unix(0, 0).UTC()
	}
	return t.Truncate(time.Second).UTC()
}
