// SPDX-License-Identifier: Apache-2.0

// Package rootfs turns the layers of a tree into a folder that a command can
// run in, and says afterwards what the command changed.
//
// Where it can, the folder is an overlay of layers that are unpacked once and
// kept; elsewhere it is a copy. What a command leaves behind is not trusted: no
// link of it is followed, whatever its names, types, modes or depth.
//
// Files are of the user namespace of the process: an owner that is not mapped
// there is the superuser on disk. All functions are for one process, which must
// stay in its namespaces from Open to Close.
package rootfs

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// Options say how a root is made.
type Options struct {
	// State is the folder of unpacked layers, kept and shared. It is made when
	// it does not exist. Nothing in it is flushed to the disk: it must not
	// outlive a boot of the machine, for a power cut may have torn it.
	State string
	// Temp is an empty folder for this root alone, on the file system of State.
	Temp string
	// Copy says that no overlay is to be tried.
	Copy bool
	// ReadOnly says that nothing will be written, which is for the caller to
	// make sure of. There are no changes then.
	ReadOnly bool
	// Changes returns the changes of a layer, for layers that come without. It
	// is asked for those that have to be unpacked. Nil: all come with them.
	Changes func(digest string) ([]tree.Change, error)
	// Mounts are places to be mounted on. Those that the tree lacks are made,
	// and are no changes.
	Mounts []Mountpoint
}

// Root is a tree on disk.
type Root struct {
	options Options
	before  Before
	id      ids
	mounts  []string
	stubs   stubs
	view    view
	reason  string
	// diff is what Changes found.
	diff *diff
}

// view is a way to have a tree on disk.
type view interface {
	// path is the folder to run in.
	path() string
	// files is the folder that scan's files are in, once it was called.
	files() string
	// scan finds what may have changed. Nothing may be written any more.
	scan() (*scanner, error)
	// whole says that scan sees every name of a file.
	whole() bool
	// adopt makes what was found the unpacked folder of the layer it became.
	adopt(l *layer.Layer, d *diff) error
	// close takes down what is not in the temporary folder.
	close() error
}

// Open makes the tree of layers, the lowest first. before tells of the tree
// that they add up to. Of a layer, only Digest, Size, Path and Compressed are
// needed when there is Options.Changes.
func Open(layers []layer.Source, before Before, o Options) (*Root, error) {
	r := &Root{options: o, before: before}
	var err error
	if r.id, err = currentIDs(); err != nil {
		return nil, err
	}
	if r.mounts, r.stubs, err = placeMounts(before, o.Mounts); err != nil {
		return nil, err
	}
	if err = r.open(layers); err != nil {
		return nil, errors.Join(fmt.Errorf("unpacking the tree: %w", err), r.Close())
	}
	return r, nil
}

// open makes an overlay, or a copy where that is refused.
func (r *Root) open(layers []layer.Source) (err error) {
	if r.options.Copy {
		r.reason = "a copy was asked for"
	} else {
		var refusal *refusal
		r.view, err = newOverlay(r, layers)
		if !errors.As(err, &refusal) {
			return err
		}
		r.reason = refusal.Error()
		if err := r.clean(); err != nil {
			return err
		}
	}
	r.view, err = newCopy(r, layers)
	if err != nil && !r.options.Copy {
		return fmt.Errorf("%w (it is a copy because %s)", err, r.reason)
	}
	return err
}

// emptyTar is the size of a tar with nothing in it: two blocks of zeros.
const emptyTar = 1024

// complete returns the layer with its changes.
func (r *Root) complete(src layer.Source) (layer.Source, error) {
	if len(src.Changes) > 0 {
		return src, nil
	}
	if r.options.Changes == nil {
		if src.Size > emptyTar {
			return src, errors.New("its changes are not known")
		}
		return src, nil
	}
	changes, err := r.options.Changes(src.Digest)
	if err != nil {
		return src, err
	}
	full := *src.Layer
	full.Changes = changes
	src.Layer = &full
	return src, nil
}

// refusal says why there can be no overlay.
type refusal struct {
	reason string
	err    error
}

func (r *refusal) Error() string {
	if r.err == nil {
		return r.reason
	}
	return r.reason + ": " + r.err.Error()
}

func (r *refusal) Unwrap() error { return r.err }

// Path is the folder to run in, absolute. For an overlay it is a mount in the
// mount namespace of this process.
func (r *Root) Path() string { return r.view.path() }

// WhyCopy says why the root is a copy; it is empty for an overlay.
func (r *Root) WhyCopy() string { return r.reason }

// Mounts are where Options.Mounts are, in their order: below Path, clean, and
// without links.
func (r *Root) Mounts() []string { return r.mounts }

// Changes says what the command changed, as entries of a layer, each with the
// folders above it. All processes of the command must be gone, and nothing may
// be mounted below Path; the root is no good for commands afterwards. The
// entries can be read until Close.
func (r *Root) Changes() ([]layer.Entry, error) {
	if r.options.ReadOnly {
		return nil, errors.New("a tree that is only read has no changes")
	}
	s, err := r.view.scan()
	if err != nil {
		return nil, fmt.Errorf("looking for changes: %w", err)
	}
	from, err := openPlace(r.view.files())
	if err != nil {
		return nil, err
	}
	defer from.close()
	d := &diff{before: r.before, stubs: r.stubs, id: r.id, whole: r.view.whole(), digest: from.digest, plain: s.odd == 0}
	if err = d.run(s.out); err != nil {
		return nil, fmt.Errorf("looking for changes: %w", err)
	}
	r.diff = d
	return r.entries(), nil
}

// entries adds the bytes of files to changes.
func (r *Root) entries() []layer.Entry {
	out := make([]layer.Entry, len(r.diff.out))
	for i, c := range r.diff.out {
		out[i].Change = c
		if c.Op == tree.Put && c.Node.Kind == tree.File && c.Node.Size > 0 {
			out[i].Open = func() (io.ReadCloser, error) { return openFile(r.view.files(), c.Name) }
		}
	}
	return out
}

// Adopt keeps the files of the command as the unpacked folder of the layer that
// was written from all of Changes, and of nothing else, so that it need not be
// unpacked. When they differ from what the layer says, nothing is kept. The
// entries of Changes can not be read afterwards.
func (r *Root) Adopt(l *layer.Layer) error {
	if l == nil || r.diff == nil || !r.diff.plain {
		return nil
	}
	if err := r.view.adopt(l, r.diff); err != nil {
		return fmt.Errorf("keeping layer %s: %w", l.Digest, err)
	}
	return nil
}

// Close unmounts the tree and removes all that is in the temporary folder,
// whatever the command left there. It may be called again.
func (r *Root) Close() error {
	if r.view != nil {
		if err := r.view.close(); err != nil {
			return fmt.Errorf("unmounting the tree: %w", err)
		}
	}
	return r.clean()
}

// clean empties the temporary folder.
func (r *Root) clean() error {
	p, err := openPlace(r.options.Temp)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return empty(p.fd)
}
